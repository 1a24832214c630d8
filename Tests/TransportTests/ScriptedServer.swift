import Glibc
import Support

/// One step of a scripted server while it handles a request.
enum Step: Sendable {
    case send(String)
    case bytes([UInt8])
    /// Sends one byte at a time, with a pause in seconds after each.
    case drip([UInt8], Double)
    case pause(Double)
    /// Waits until the test opens the gate.
    case gate(Gate)
    /// Sends nothing until the client closes the connection.
    case hold
    /// Closes the connection with a RST.
    case reset
    case close
}

/// Holds server threads back until a test opens it.
final class Gate: Sendable {
    private let isOpen = Monitor(false)
    func open() { isOpen.update { $0 = true } }
    func wait() { _ = isOpen.wait { $0 ? true : nil } }
}

struct ServerRequest: Sendable {
    /// The numbers of the connection, and of the request over all connections, from 0.
    var connection: Int
    var number: Int
    var method: String
    var target: String
    var headers: [String: String]
}

/// A raw-socket HTTP server on its own threads. A closure determines each of its replies.
final class ScriptedServer: Sendable {
    private struct State {
        var requests: [ServerRequest] = []
        var connections: [Int32] = []
        var threads: [NamedThread] = []
        var opened = 0
        var mostAtOnce = 0
        var isStopped = false
    }

    let port: UInt16
    private let listener: Int32
    private let state = Monitor(State())
    private let acceptor: Monitor<NamedThread?> = Monitor(nil)

    /// - Parameters:
    ///   - host: the address of this machine to listen on.
    ///   - greeting: sent as soon as a connection is open; with `nil` the server closes the connection instead.
    init(
        address host: String = "127.0.0.1", greeting: String? = "",
        _ script: @escaping @Sendable (ServerRequest) -> [Step]
    ) {
        let socket = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = inet_addr(host)
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let bound = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { generic in
                bind(socket, generic, size) == 0 && listen(socket, 128) == 0 && getsockname(socket, generic, &size) == 0
            }
        }
        precondition(bound, "no port for the scripted server")
        listener = socket
        port = UInt16(bigEndian: address.sin_port)
        let state = self.state
        let thread = Self.thread("accept") {
            while true {
                let connection = accept(socket, nil, nil)
                guard connection >= 0 else { return }
                // A program that another test starts must not inherit the descriptor, because it would keep the
                // connection open.
                _ = fcntl(connection, F_SETFD, FD_CLOEXEC)
                let number: Int? = state.update { state in
                    guard !state.isStopped else { return nil }
                    state.connections.append(connection)
                    state.opened += 1
                    state.mostAtOnce = max(state.mostAtOnce, state.connections.count)
                    return state.opened - 1
                }
                guard let number else {
                    Glibc.close(connection)
                    return
                }
                let worker = Self.thread("serve") { Self.serve(connection, number, state, greeting, script) }
                state.withLock { $0.threads.append(worker) }
            }
        }
        acceptor.withLock { $0 = thread }
    }

    private static func thread(_ name: String, _ body: @escaping @Sendable () -> Void) -> NamedThread {
        do {
            return try NamedThread(name, body: body)
        } catch {
            preconditionFailure("\(error)")
        }
    }

    /// Refuses connections from now on, and ends the open ones.
    func stop() {
        let isFirst = state.withLock { state in
            defer { state.isStopped = true }
            for connection in state.connections { Glibc.shutdown(connection, Int32(SHUT_RDWR)) }
            return !state.isStopped
        }
        guard isFirst else { return }
        Glibc.shutdown(listener, Int32(SHUT_RDWR))
        acceptor.withLock { $0 }?.join()
        Glibc.close(listener)
        for thread in state.withLock({ $0.threads }) { thread.join() }
    }

    deinit { stop() }

    func url(_ path: String) -> String { "http://127.0.0.1:\(port)\(path)" }

    var requests: [ServerRequest] { state.withLock { $0.requests } }
    var connections: Int { state.withLock { $0.opened } }
    /// The most connections that were open at once.
    var mostConnections: Int { state.withLock { $0.mostAtOnce } }

    /// Waits until at least `count` requests have arrived.
    func waitForRequests(_ count: Int) { _ = state.wait { $0.requests.count >= count ? true : nil } }

    /// Waits until at least `count` connections have been accepted. A client may finish with a connection before that.
    func waitForConnections(_ count: Int) { _ = state.wait { $0.opened >= count ? true : nil } }

    // MARK: One connection

    private static func serve(
        _ socket: Int32, _ connection: Int, _ state: Monitor<State>, _ greeting: String?,
        _ script: (ServerRequest) -> [Step]
    ) {
        defer {
            state.withLock { state in
                state.connections.removeAll { $0 == socket }
                Glibc.close(socket)
            }
        }
        guard let greeting, write(Array(greeting.utf8), socket) else { return }
        while let lines = readHead(socket), let first = lines.first {
            let words = first.split(separator: " ").map(String.init)
            guard words.count == 3 else { return }
            var headers: [String: String] = [:]
            for line in lines.dropFirst() {
                let parts = line.split(separator: ":", maxSplits: 1).map(String.init)
                if parts.count == 2 { headers[parts[0].lowercased()] = String(parts[1].drop { $0 == " " }) }
            }
            let request = state.update { state in
                let request = ServerRequest(
                    connection: connection, number: state.requests.count, method: words[0], target: words[1],
                    headers: headers)
                state.requests.append(request)
                return request
            }
            for step in script(request) where !perform(step, socket) { return }
        }
    }

    /// Returns false to end the connection.
    private static func perform(_ step: Step, _ socket: Int32) -> Bool {
        switch step {
        case .send(let text): return write(Array(text.utf8), socket)
        case .bytes(let bytes): return write(bytes, socket)
        case .drip(let bytes, let pause):
            for byte in bytes {
                guard write([byte], socket) else { return false }
                usleep(UInt32(pause * 1e6))
            }
            return true
        case .pause(let seconds):
            usleep(UInt32(seconds * 1e6))
            return true
        case .gate(let gate):
            gate.wait()
            return true
        case .hold:
            var byte: UInt8 = 0
            return recv(socket, &byte, 1, 0) > 0
        case .reset:
            var option = linger(l_onoff: 1, l_linger: 0)
            setsockopt(socket, SOL_SOCKET, SO_LINGER, &option, socklen_t(MemoryLayout<linger>.size))
            return false
        case .close: return false
        }
    }

    private static func write(_ bytes: [UInt8], _ socket: Int32) -> Bool {
        var done = 0
        while done < bytes.count {
            let count = bytes.withUnsafeBytes { buffer in
                send(socket, buffer.baseAddress.map { $0 + done }, buffer.count - done, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { return false }
            done += count
        }
        return true
    }

    private static func readHead(_ socket: Int32) -> [String]? {
        var head: [UInt8] = []
        var byte: UInt8 = 0
        while recv(socket, &byte, 1, 0) == 1 {
            head.append(byte)
            if head.suffix(4) == [13, 10, 13, 10] {
                return String(decoding: head, as: UTF8.self).split(separator: "\r\n").map(String.init)
            }
        }
        return nil
    }
}
