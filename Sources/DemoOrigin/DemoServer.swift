import FlyingFox
import FlyingSocks
import Foundation
import Logging
import Support

/// Why the stand-in origin did not start.
package struct DemoServerError: Error, CustomStringConvertible {
    /// What happened, with the text of the cause.
    package let description: String
}

/// A stand-in for api.brain-map.org on 127.0.0.1: RMA queries, files and images of a `World`.
///
/// `start()` and `stop()` block. Call them from ordinary threads, not from Swift's cooperative pool.
package final class DemoServer: Sendable {
    /// The behaviour of the server, apart from its data.
    package struct Options: Sendable {
        /// Seconds that every request waits before it is answered.
        package var latency: Double
        /// Seconds that starting and stopping may take. Swift's pool of threads waits without end when it may create no
        /// more threads.
        package var patience: Double

        /// Options with the given values. The defaults are no latency and a patience of half a minute.
        package init(latency: Double = 0, patience: Double = 30) {
            self.latency = latency
            self.patience = patience
        }
    }

    private enum Phase {
        case idle
        case starting(Task<Void, Never>)
        case listening(HTTPServer, Task<Void, Never>, port: UInt16)
        case failed(String)
        case stopped
    }

    private let router: Router
    private let port: UInt16
    private let options: Options
    private let phase = Monitor<Phase>(.idle)
    private let workers: WorkerPool

    /// A server that is not started yet.
    /// - Parameters:
    ///   - world: The data to serve.
    ///   - port: TCP port on 127.0.0.1; 0 lets the system choose.
    ///   - options: Latency and patience.
    /// - Throws: When its threads cannot be created.
    package init(world: World, port: UInt16 = 0, options: Options = Options()) throws(DemoServerError) {
        do throws(ThreadError) { workers = try WorkerPool(name: "demo", count: 4) } catch {
            throw DemoServerError(description: "\(error)")
        }
        self.router = Router(world: world)
        self.port = port
        self.options = options
    }

    /// Starts listening. Returns once connections are accepted.
    /// - Returns: The port.
    /// - Throws: When the port is in use, or the server has been started before.
    @discardableResult
    package func start() throws(DemoServerError) -> UInt16 {
        let address: sockaddr_in
        do { address = try sockaddr_in.inet(ip4: "127.0.0.1", port: port) } catch {
            throw DemoServerError(description: "127.0.0.1:\(port) is no address: \(error)")
        }
        let server = HTTPServer(
            config: .init(address: address, timeout: 600, logger: .disabled),
            handler: ClosureHTTPHandler { [self] request in try await answer(request) })
        let started = phase.withLock { phase in
            guard case .idle = phase else { return false }
            phase = .starting(Task.detached { [self] in await run(server) })
            return true
        }
        guard started else { throw DemoServerError(description: "the server has been started before") }
        let limit = Instant.now.advanced(bySeconds: options.patience)
        let outcome: Result<UInt16, DemoServerError>? = phase.wait(until: limit) { phase in
            switch phase {
            case .listening(_, _, let port): .success(port)
            case .failed(let reason): .failure(DemoServerError(description: reason))
            case .stopped: .failure(DemoServerError(description: "the server was stopped while it started"))
            case .idle, .starting: nil
            }
        }
        guard let outcome else {
            throw DemoServerError(
                description:
                    "it does not listen after \(Int(options.patience)) s; the limit on threads (ulimit -u) may be reached"
            )
        }
        return try outcome.get()
    }

    /// Stops listening and closes every connection. Returns when that is done. A second call does nothing.
    package func stop() {
        let running: (HTTPServer, Task<Void, Never>)? = phase.update { phase in
            defer { phase = .stopped }
            if case .listening(let server, let task, _) = phase { return (server, task) }
            if case .starting(let task) = phase { task.cancel() }
            return nil
        }
        guard let (server, task) = running else { return }
        let done = Monitor(false)
        Task.detached {
            await server.stop(timeout: 0)
            task.cancel()
            await task.value
            done.update { $0 = true }
        }
        _ = done.wait(until: Instant.now.advanced(bySeconds: options.patience)) { $0 ? true : nil }
        workers.shutdown()
    }

    private func run(_ server: HTTPServer) async {
        let listening = Task { [self] in
            do {
                try await server.waitUntilListening(timeout: options.patience)
                guard case .ip4(_, let port)? = await server.listeningAddress else {
                    throw DemoServerError(description: "the server has no listening socket")
                }
                ListenerTuning.disableNagle(port: port)
                phase.update { phase in
                    if case .starting(let task) = phase { phase = .listening(server, task, port: port) }
                }
            } catch { fail(error) }
        }
        do { try await server.run() } catch { fail(error) }
        listening.cancel()
    }

    private func fail(_ error: any Error) {
        phase.update { phase in
            if case .starting = phase { phase = .failed("127.0.0.1:\(port): \(Self.reason(error))") }
        }
    }

    private static func reason(_ error: any Error) -> String {
        guard case SocketError.failed(_, let number, _)? = error as? SocketError else { return "\(error)" }
        return number == EADDRINUSE ? "another program has this port" : "\(Errno(rawValue: number))"
    }

    /// Answers on the server's own threads, because rendering takes long and the pool that moves the bytes must stay
    /// free.
    private func answer(_ request: HTTPRequest) async throws -> HTTPResponse {
        if options.latency > 0 { try await Task.sleep(for: .seconds(options.latency)) }
        var headers: [String: String] = [:]
        for (name, value) in request.headers { headers[name.rawValue.lowercased()] = value }
        let plain = Request(method: request.method.rawValue, target: request.target.rawValue, headers: headers)
        let reply = await withCheckedContinuation { continuation in
            let accepted = workers.submit { [router] in continuation.resume(returning: router.reply(to: plain)) }
            if !accepted { continuation.resume(returning: Reply.somethingWentWrong) }
        }
        return Self.response(reply)
    }

    private static func response(_ reply: Reply) -> HTTPResponse {
        var headers = HTTPHeaders()
        for (name, value) in reply.headers { headers[HTTPHeader(name)] = value }
        let status = HTTPStatusCode(reply.status, phrase: reply.phrase)
        switch reply.body {
        case .whole(let bytes):
            return HTTPResponse(
                statusCode: status, headers: headers,
                body: HTTPBodySequence(data: Data(bytes), suggestedBufferSize: 1 << 18))
        case .chunked(let bytes):
            return HTTPResponse(
                statusCode: status, headers: headers,
                body: HTTPBodySequence(from: ByteChunks(bytes: bytes), suggestedBufferSize: 1 << 16))
        case .lengthOnly(let length):
            headers[.contentLength] = String(length)
            return HTTPResponse(statusCode: status, headers: headers)
        }
    }
}

/// Bytes in memory, in the form that FlyingFox needs for a chunked body.
private struct ByteChunks: AsyncBufferedSequence {
    typealias Element = UInt8
    let bytes: [UInt8]

    func makeAsyncIterator() -> Iterator { Iterator(rest: bytes[...]) }

    struct Iterator: AsyncBufferedIteratorProtocol {
        var rest: ArraySlice<UInt8>

        mutating func next() async throws -> UInt8? { rest.popFirst() }

        mutating func nextBuffer(suggested count: Int) async throws -> ArraySlice<UInt8>? {
            guard !rest.isEmpty else { return nil }
            defer { rest = rest.dropFirst(count) }
            return rest.prefix(count)
        }
    }
}
