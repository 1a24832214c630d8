import Support
import Testing

@testable import Transport

@Suite struct SinkTests {
    /// Records its calls, and refuses on request.
    private final class Recorder: BodySink {
        private let state = Monitor((begins: [ResponseHead](), body: [UInt8]()))
        private let refusesHead: Bool
        private let limit: Int

        init(refusesHead: Bool = false, limit: Int = .max) {
            self.refusesHead = refusesHead
            self.limit = limit
        }

        var begins: Int { state.withLock { $0.begins.count } }
        var body: [UInt8] { state.withLock { $0.body } }

        func begin(_ head: ResponseHead) -> Bool {
            state.withLock {
                $0.begins.append(head)
                $0.body = []
            }
            return !refusesHead
        }

        func receive(_ bytes: UnsafeRawBufferPointer) -> Bool {
            state.withLock {
                $0.body += bytes
                return $0.body.count <= limit
            }
        }
    }

    @Test func bodyGoesToTheSink() {
        let file = pattern(300_000)
        let server = ScriptedServer { honest(file, $0) }
        let transport = testTransport()
        let sink = Recorder()
        let response = transport.fetch(server.url("/x")) { $0.sink = sink }.response
        #expect(response?.body == [])
        #expect(sink.body == file)
        #expect(sink.begins == 1)
    }

    @Test func emptyBodyBeginsToo() {
        let server = ScriptedServer { _ in reply("") }
        let transport = testTransport()
        let sink = Recorder()
        #expect(transport.fetch(server.url("/x")) { $0.sink = sink }.response != nil)
        #expect(sink.begins == 1)
    }

    @Test(arguments: [true, false])
    func resumeGoesOnAndRestartBeginsAgain(_ hasValidator: Bool) {
        let file = pattern(5000)
        let headers = hasValidator ? ["ETag: \"a\""] : []
        let server = ScriptedServer { request in
            guard request.number == 0, case .bytes(let bytes) = honest(file, request, headers)[0] else {
                return honest(file, request, headers)
            }
            return [.bytes(Array(bytes.dropLast(1000))), .close]
        }
        let transport = testTransport()
        let sink = Recorder()
        #expect(transport.fetch(server.url("/x")) { $0.sink = sink }.response != nil)
        #expect(sink.body == file)
        #expect(sink.begins == (hasValidator ? 1 : 2))
    }

    @Test func failedReplyNeverReachesTheSink() {
        let server = ScriptedServer { request in
            request.number == 0
                ? reply("<html>", ["Content-Type: text/html"]) : reply("no", status: 404)
        }
        let transport = testTransport()
        let sink = Recorder()
        #expect(transport.fetch(server.url("/x"), expects: .bytes) { $0.sink = sink }.kind == .status)
        #expect(sink.begins == 0)
    }

    @Test func refusalEndsTheRequest() {
        let server = ScriptedServer { _ in reply(pattern(300_000)) }
        let transport = testTransport()
        #expect(transport.fetch(server.url("/x")) { $0.sink = Recorder(refusesHead: true) }.kind == .refusedBySink)
        let sink = Recorder(limit: 1000)
        #expect(transport.fetch(server.url("/x")) { $0.sink = sink }.kind == .refusedBySink)
        #expect(sink.body.count < 300_000)
    }
}
