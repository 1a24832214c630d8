import Glibc
import Testing

@testable import Transport

/// Hosts that accept no connection and send no refusal.
@Suite struct ConnectTimeoutTests {
    /// A listener whose queue is full: the kernel drops new connections, as a firewall does.
    private final class FullListener {
        let port: UInt16
        private var sockets: [Int32] = []

        init() throws {
            let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
            sockets.append(listener)
            var address = sockaddr_in()
            address.sin_family = sa_family_t(AF_INET)
            address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
            var size = socklen_t(MemoryLayout<sockaddr_in>.size)
            func named(_ body: (UnsafeMutablePointer<sockaddr>) -> Int32) -> Int32 {
                withUnsafeMutablePointer(to: &address) { pointer in
                    pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0) }
                }
            }
            try #require(named { bind(listener, $0, size) } == 0)
            try #require(listen(listener, 0) == 0)
            try #require(named { getsockname(listener, $0, &size) } == 0)
            port = UInt16(bigEndian: address.sin_port)
            for _ in 0..<4 {
                let kind = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue)
                let visitor = socket(AF_INET, kind, 0)
                sockets.append(visitor)
                _ = named { connect(visitor, $0, size) }
            }
        }

        deinit { for socket in sockets { close(socket) } }
    }

    private func impatient() -> Transport {
        testTransport {
            $0.connectTimeout = 0.3
            $0.firstByteTimeout = 60
            $0.maximumAttempts = 2
        }
    }

    @Test func aHostThatDropsWhatComesIsGivenUp() throws {
        let listener = try FullListener()
        let transport = impatient()
        let error = transport.fetch("http://127.0.0.1:\(listener.port)/x").error
        withExtendedLifetime(listener) {
            #expect(error?.kind == .connectFailed)
            #expect(error?.context.cause == "no connection within 0.3 s")
            #expect(error?.context.attempts == 2)
            #expect(error?.isTransient == true)
        }
    }

    /// The TCP connection is open, but the time for TLS counts, too.
    @Test func aHostThatIsSilentToTLSIsGivenUp() {
        let server = ScriptedServer { _ in [.hold] }
        let transport = impatient()
        let error = transport.fetch("https://127.0.0.1:\(server.port)/x").error
        #expect(error?.kind == .connectFailed)
        #expect(error?.context.cause == "no connection within 0.3 s")
        #expect(error?.context.attempts == 2)
        server.waitForConnections(2)
        #expect(server.connections == 2)
        #expect(server.requests.isEmpty)
    }
}
