import Glibc
import Support
import Testing

@testable import DemoOrigin

@Suite struct DemoServerTests {
    /// Runs blocking work on a thread of its own, because `start` and `stop` wait for the cooperative pool.
    private func onThread<R: Sendable>(_ body: @escaping @Sendable () -> R) async throws -> R {
        try await withCheckedThrowingContinuation { continuation in
            do {
                _ = try NamedThread("test") { continuation.resume(returning: body()) }
            } catch {
                continuation.resume(throwing: error)
            }
        }
    }

    @Test func aRealClientGetsRepliesOverOneConnection() async throws {
        // Tests that block hold Swift's pool, on which the server runs, for a minute and more.
        let patient = DemoServer.Options(patience: 600)
        let server = try DemoServer(world: TestWorld.world, options: patient)
        let outcome = try await onThread { () -> (String, Bool, Bool) in
            guard let port = try? server.start() else { return ("", false, false) }
            let second = (try? server.start()) == nil
            let taken = (try? DemoServer(world: TestWorld.world, port: port, options: patient).start()) == nil
            let text = Self.exchange(
                port,
                "GET /api/v2/data/query.json?q=model::SubImage,rma::criteria,%5Bid%24eq5%5D HTTP/1.1\r\nHost: h\r\n\r\n"
                    + "HEAD /api/v2/well_known_file_download/1000001016 HTTP/1.1\r\nHost: h\r\n\r\n"
                    + "GET /api/v2/well_known_file_download/1000001016 HTTP/1.1\r\nHost: h\r\nRange: bytes=0-6\r\n"
                    + "Connection: close\r\n\r\n")
            server.stop()
            server.stop()
            return (text, second, taken)
        }
        let (text, second, taken) = outcome
        #expect(second, "a second start must fail")
        #expect(taken, "a taken port must be reported")
        let replies = text.split(separator: "HTTP/1.1 ")
        try #require(replies.count == 3)
        #expect(replies[0].hasPrefix("200 OK\r\n"))
        #expect(replies[0].contains("Transfer-Encoding: chunked\r\n"))
        #expect(!replies[0].contains("Content-Length"))
        #expect(
            replies[0].hasSuffix(
                "\r\n55\r\n{\"success\": true, \"id\": 0, \"start_row\": 0, \"num_rows\": 0, "
                    + "\"total_rows\": 0, \"msg\": []}\r\n0\r\n\r\n"))
        let size = TestWorld.get("/api/v2/well_known_file_download/1000001016").bytes.count
        #expect(replies[1].contains("Content-Length: \(size)\r\n"))
        #expect(replies[1].hasSuffix("\r\n\r\n"))
        #expect(replies[2].hasPrefix("206 Partial Content\r\n"))
        #expect(replies[2].hasSuffix("\r\n\r\n# gener"))
    }

    /// Sends the whole text and reads until the server closes the connection.
    private static func exchange(_ port: UInt16, _ text: String) -> String {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(descriptor) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        let connected = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard connected == 0 else { return "" }
        let bytes = Array(text.utf8)
        guard send(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL)) == bytes.count else { return "" }
        var received: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = recv(descriptor, &buffer, buffer.count, 0)
            guard count > 0 else { break }
            received += buffer.prefix(count)
        }
        return String(decoding: received, as: UTF8.self)
    }
}
