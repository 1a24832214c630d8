import Support
import Testing

@testable import Transport

/// Servers that accept a connection and then send little or nothing.
@Suite struct SlowServerTests {
    @Test func silenceBeforeTheReplyEndsTheTry() {
        let server = ScriptedServer { _ in [.hold] }
        let transport = testTransport {
            $0.firstByteTimeout = 0.2
            $0.maximumAttempts = 2
        }
        let error = transport.fetch(server.url("/x")).error
        #expect(error?.kind == .noReply)
        #expect(error?.description == "host 127.0.0.1: no reply within 0.2 s after 2 attempts (\(server.url("/x")))")
        server.waitForConnections(2)
        #expect(server.connections == 2)
    }

    @Test func headDrippedWithoutEndEndsTheTry() {
        let server = ScriptedServer { _ in
            [.send("HTTP/1.1 200 OK\r\n"), .drip(Array("X-A: bbbbbbbbbbbbbbbb".utf8), 0.05), .hold]
        }
        let transport = testTransport {
            $0.firstByteTimeout = 0.3
            $0.maximumAttempts = 1
        }
        #expect(transport.fetch(server.url("/x")).kind == .noReply)
    }

    @Test func stallInTheBodyIsResumedOnAFreshConnection() {
        let file = pattern(3000)
        let server = ScriptedServer { request in
            guard request.number == 1, case .bytes(let bytes) = honest(file, request, ["ETag: \"a\""])[0] else {
                return honest(file, request, ["ETag: \"a\""])
            }
            return [.bytes(Array(bytes.dropLast(1000))), .hold]
        }
        let transport = testTransport { $0.stallTimeout = 0.2 }
        #expect(transport.fetch(server.url("/warm")).body == file)
        #expect(transport.fetch(server.url("/x")).body == file)
        #expect(server.requests.map(\.connection) == [0, 0, 1])
        #expect(server.requests.last?.headers["range"] == "bytes=2000-")
        #expect(transport.statistics.faults[.stalled] == 1)
    }

    @Test func stallNamesItself() {
        let server = ScriptedServer { _ in reply("", length: 100) + [.hold] }
        let transport = testTransport {
            $0.stallTimeout = 0.2
            $0.maximumAttempts = 1
        }
        let error = transport.fetch(server.url("/x")).error
        #expect(error?.kind == .stalled)
        #expect(error?.description == "host 127.0.0.1: no byte for 0.2 s after 1 attempt (\(server.url("/x")))")
    }

    @Test func aByteNowAndThenCountsAsStall() {
        let server = ScriptedServer { _ in
            reply("", length: 100) + [.drip([UInt8](repeating: 65, count: 99), 0.05), .hold]
        }
        let transport = testTransport {
            $0.stallTimeout = 3
            $0.maximumAttempts = 1
        }
        let error = transport.fetch(server.url("/x")).error
        #expect(error?.kind == .stalled)
        #expect(error?.context.cause.hasPrefix("only ") == true)
    }

    @Test func slowButSteadyBodyIsNotAStall() {
        let file = pattern(4096)
        let server = ScriptedServer { _ in
            reply([], length: file.count)
                + (0..<8).flatMap { part in [Step.bytes(Array(file[part * 512..<(part + 1) * 512])), .pause(0.5)] }
        }
        let transport = testTransport {
            $0.stallTimeout = 3
            $0.maximumAttempts = 1
        }
        #expect(transport.fetch(server.url("/x")).body == file)
    }

    @Test func deadlineBoundsEverything() {
        let server = ScriptedServer { _ in [.hold] }
        let transport = testTransport()
        let error = transport.fetch(server.url("/x")) { $0.deadline = Instant.now.advanced(bySeconds: 0.2) }.error
        #expect(error?.kind == .deadlineExceeded)
        #expect(error?.context.cause == "the deadline passed (waiting for the reply)")
        #expect(error?.context.hasReplied == false)
    }

    @Test func deadlineInThePauseNamesTheLastCause() {
        let server = ScriptedServer { _ in reply("later", status: 503, ["Retry-After: 3600"]) }
        let transport = testTransport { $0.retryAfterCeiling = 60 }
        let error = transport.fetch(server.url("/x")) { $0.deadline = Instant.now.advanced(bySeconds: 5) }.error
        #expect(error?.kind == .deadlineExceeded)
        #expect(error?.context.cause.contains("HTTP status 503") == true)
        #expect(server.requests.count == 1)
    }

    @Test func deadlineInTheQueueEndsTheWait() {
        let gate = Gate()
        let server = ScriptedServer { _ in [.gate(gate)] + reply("x") }
        let transport = testTransport { $0.maxConnectionsPerHost = 1 }
        let inbox = Inbox()
        transport.start(HTTPRequest(url: server.url("/first")), completion: inbox.completion(1))
        server.waitForRequests(1)
        let error = transport.fetch(server.url("/x")) { $0.deadline = Instant.now.advanced(bySeconds: 0.1) }.error
        #expect(error?.kind == .deadlineExceeded)
        #expect(error?.context.attempts == 0)
        gate.open()
        #expect(inbox.wait()[1]?.response != nil)
        #expect(server.requests.count == 1)
    }

    @Test func passedDeadlineStartsNothing() {
        let server = ScriptedServer { _ in reply("x") }
        let transport = testTransport()
        let past = Instant.now
        #expect(transport.fetch(server.url("/x")) { $0.deadline = past }.kind == .deadlineExceeded)
        #expect(server.requests.isEmpty)
    }

    @Test func deadlineOfARunningRequestMakesRoomForTheNext() {
        let server = ScriptedServer { $0.target == "/held" ? [.hold] : reply("x") }
        let transport = testTransport {
            $0.maxConnectionsPerHost = 1
            $0.firstByteTimeout = 600
            $0.stallTimeout = 600
        }
        let inbox = Inbox()
        let began = Instant.now
        var held = HTTPRequest(url: server.url("/held"))
        held.deadline = began.advanced(bySeconds: 0.2)
        transport.start(held, completion: inbox.completion(0))
        transport.start(HTTPRequest(url: server.url("/next")), completion: inbox.completion(1))
        let replies = inbox.wait(2)
        #expect(replies[0]?.kind == .deadlineExceeded)
        #expect(replies[1]?.response != nil)
        // Without its own timer, the loop would check it only after a minute.
        #expect(Instant.now.seconds(since: began) < 30)
    }
}
