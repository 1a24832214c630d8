import Glibc
import Support
import Testing

@testable import Transport

/// Open connections whose bytes no longer arrive, as after a laptop has slept or a router has dropped their state.
@Suite struct DoubtfulOriginTests {
    /// A server whose first connections fall silent on demand.
    private struct Freezing {
        private let isFrozen = Monitor(false)
        let server: ScriptedServer
        let kept: Int

        init(kept: Int) {
            let (isFrozen, gate) = (self.isFrozen, Gate())
            let arrived = Monitor(0)
            server = ScriptedServer { request in
                if isFrozen.withLock({ $0 }), request.connection < kept {
                    return (0..<4096).map { _ in .hold }
                }
                switch request.target {
                case "/warm":
                    // Each request is held until all have come, so that each has a connection of its own.
                    let count = arrived.update {
                        $0 += 1
                        return $0
                    }
                    if count == kept { gate.open() }
                    return [.gate(gate)] + reply("warm")
                case "/a": return reply("", status: 302, ["Location: /b"])
                default: return reply("fine")
                }
            }
            self.kept = kept
        }

        /// Opens the connections, leaves them idle, and freezes them.
        func warmAndFreeze(_ transport: Transport) {
            let inbox = Inbox()
            for key in 0..<kept {
                transport.start(HTTPRequest(url: server.url("/warm")), completion: inbox.completion(key))
            }
            #expect(inbox.wait(kept).values.allSatisfy { $0.response != nil })
            #expect(server.connections == kept)
            isFrozen.update { $0 = true }
        }
    }

    @Test func aRetryTakesNoOldConnectionForItsSecondLegEither() {
        let freezing = Freezing(kept: 4)
        let transport = testTransport {
            $0.firstByteTimeout = 2
            $0.stallTimeout = 2
            $0.maximumAttempts = 2
        }
        freezing.warmAndFreeze(transport)
        let result = transport.fetch(freezing.server.url("/a"))
        #expect(result.body == Array("fine".utf8))
        #expect(result.response?.attempts == 2)
    }

    @Test func anOriginThatWasSilentIsAskedOnFreshConnectionsForAWhile() {
        let freezing = Freezing(kept: 4)
        let transport = testTransport {
            $0.firstByteTimeout = 2
            $0.stallTimeout = 60
        }
        freezing.warmAndFreeze(transport)
        #expect(transport.fetch(freezing.server.url("/x")).response?.attempts == 2)
        // Three of the dead connections are left. No other request has to find this out by waiting.
        for _ in 0..<12 { #expect(transport.fetch(freezing.server.url("/x")).response?.attempts == 1) }
        #expect(transport.statistics.faults == [.noReply: 1])
    }

    @Test func aDeadlineSpentInSilenceCastsDoubt() {
        let freezing = Freezing(kept: 4)
        let transport = testTransport {
            $0.firstByteTimeout = 60
            $0.stallTimeout = 60
        }
        freezing.warmAndFreeze(transport)
        let late = transport.fetch(freezing.server.url("/x")) { $0.deadline = Instant.now.advanced(bySeconds: 2) }
        #expect(late.kind == .deadlineExceeded)
        let next = transport.fetch(freezing.server.url("/x")) { $0.deadline = Instant.now.advanced(bySeconds: 20) }
        #expect(next.body == Array("fine".utf8))
    }

    /// Connections from before the silence are not used after the doubt has ended.
    @Test func theDoubtOutlivesNoOldConnection() {
        let freezing = Freezing(kept: 4)
        let transport = testTransport {
            // libcurl counts the age of a connection in whole seconds.
            $0.firstByteTimeout = 3.1
            $0.stallTimeout = 5
        }
        freezing.warmAndFreeze(transport)
        #expect(transport.fetch(freezing.server.url("/x")).response?.attempts == 2)
        usleep(1_200_000)
        #expect(transport.fetch(freezing.server.url("/x")).response?.attempts == 1)
        usleep(4_000_000)
        let before = transport.statistics.connections
        for _ in 0..<4 { #expect(transport.fetch(freezing.server.url("/x")).response?.attempts == 1) }
        #expect(transport.statistics.connections == before)
    }

    /// A request that is cancelled soon after it began tells nothing about its connection, and the others stay on
    /// theirs.
    @Test func aDeadlineThatWasSpentInTheQueueCastsNoDoubt() {
        let gate = Gate()
        let server = ScriptedServer { request in
            switch request.target {
            case "/first": [.gate(gate)] + reply("x")
            case "/late": [.hold]
            default: reply("x")
            }
        }
        let transport = testTransport { $0.maxConnectionsPerHost = 1 }
        let inbox = Inbox()
        transport.start(HTTPRequest(url: server.url("/first")), completion: inbox.completion(0))
        server.waitForRequests(1)
        var late = HTTPRequest(url: server.url("/late"))
        late.deadline = Instant.now.advanced(bySeconds: 1)
        transport.start(late, completion: inbox.completion(1))
        usleep(700_000)
        gate.open()
        #expect(inbox.wait(2)[1]?.kind == .deadlineExceeded)
        for _ in 0..<5 { #expect(transport.fetch(server.url("/x")).response != nil) }
        // The first connection, which was cut and is closed, and one for all later requests.
        #expect(transport.statistics.connections <= 2)
    }

    @Test func doubtKeepsToTheLimitOfConnections() {
        let server = ScriptedServer { request in request.target == "/slow" ? [.hold] : [.pause(0.01)] + reply("x") }
        let transport = testTransport {
            $0.maxConnectionsPerHost = 3
            $0.stallTimeout = 60
        }
        let late = transport.fetch(server.url("/slow")) { $0.deadline = Instant.now.advanced(bySeconds: 0.2) }
        #expect(late.kind == .deadlineExceeded)
        let inbox = Inbox()
        for key in 0..<60 { transport.start(HTTPRequest(url: server.url("/x")), completion: inbox.completion(key)) }
        #expect(inbox.wait(60).values.allSatisfy { $0.response?.attempts == 1 })
        // Without the limit there would be 60. A connection that libcurl has closed stays open to the server until the
        // server reads from it.
        #expect(server.mostConnections <= 30)
    }
}
