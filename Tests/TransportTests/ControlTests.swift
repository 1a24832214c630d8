import Glibc
import Support
import Testing

@testable import Transport

/// Order, limits, cancelling and ending.
@Suite struct ControlTests {
    @Test func connectionIsReused() {
        let server = ScriptedServer { reply("\($0.number)") }
        let transport = testTransport()
        for number in 0..<20 {
            #expect(transport.fetch(server.url("/x")).body == Array("\(number)".utf8))
        }
        #expect(server.connections == 1)
        let statistics = transport.statistics
        #expect(statistics.connections == 1)
        #expect(statistics.requests == 20)
        #expect(statistics.succeeded == 20)
        #expect(statistics.bytesReceived == 30)
        #expect(statistics.hosts["127.0.0.1"]?.attempts == 20)
        #expect(statistics.slowestHost?.name == "127.0.0.1")
        #expect(server.requests.allSatisfy { $0.headers["user-agent"] == "neuronfs-test" })
    }

    /// A host that never replies is the slowest of all, whether the caller or the transport gave up.
    @Test func aHostThatDoesNotAnswerIsSlow() {
        let server = ScriptedServer { $0.target == "/hold" ? [.hold] : reply("x") }
        let byTimeout = testTransport {
            $0.firstByteTimeout = 2
            $0.maximumAttempts = 1
        }
        let byDeadline = testTransport()
        #expect(byTimeout.fetch(server.url("/x")).response != nil)
        #expect(byTimeout.fetch(server.url("/hold")).kind == .noReply)
        #expect(byTimeout.statistics.hosts["127.0.0.1"]?.slowestReply ?? 0 >= 2)
        #expect(byTimeout.statistics.slowestHost?.host.latency ?? 0 > 0.05)
        let late = byDeadline.fetch(server.url("/hold")) { $0.deadline = .now.advanced(bySeconds: 2) }
        #expect(late.kind == .deadlineExceeded)
        #expect(byDeadline.statistics.slowestHost?.host.latency ?? 0 > 0.2)
    }

    @Test func hostLimitHolds() {
        let gate = Gate()
        let server = ScriptedServer { _ in [.gate(gate)] + reply("x") }
        let transport = testTransport { $0.maxConnectionsPerHost = 3 }
        let inbox = Inbox()
        for key in 0..<12 { transport.start(HTTPRequest(url: server.url("/x")), completion: inbox.completion(key)) }
        server.waitForRequests(3)
        #expect(transport.fetch("http://127.0.0.1:1/other").kind == .connectFailed)
        #expect(server.connections == 3)
        #expect(transport.statistics.inFlight == 3)
        #expect(transport.statistics.waiting == 9)
        gate.open()
        #expect(inbox.wait(12).values.allSatisfy { $0.response != nil })
        #expect(server.connections == 3)
    }

    @Test func prefetchLeavesRoomForDemand() {
        let gate = Gate()
        let server = ScriptedServer { $0.target == "/prefetch" ? [.gate(gate)] + reply("p") : reply("d") }
        let transport = testTransport {
            $0.maxConnectionsPerHost = 4
            $0.prefetchShare = 0.5
        }
        let inbox = Inbox()
        for key in 0..<20 {
            var request = HTTPRequest(url: server.url("/prefetch"))
            request.lane = .prefetch
            transport.start(request, completion: inbox.completion(key))
        }
        server.waitForRequests(2)
        // No prefetch can end before the gate opens, so demand must pass it.
        for _ in 0..<5 { #expect(transport.fetch(server.url("/demand")).response != nil) }
        #expect(server.requests.filter { $0.target == "/prefetch" }.count == 2)
        gate.open()
        #expect(inbox.wait(20).values.allSatisfy { $0.response != nil })
    }

    @Test func demandAndPromotedGoBeforePrefetch() {
        let gate = Gate()
        let server = ScriptedServer { $0.target == "/first" ? [.gate(gate)] + reply("x") : reply("x") }
        let transport = testTransport { $0.maxConnectionsPerHost = 1 }
        let inbox = Inbox()
        func start(_ path: String, _ lane: Lane, _ key: Int) -> Exchange {
            var request = HTTPRequest(url: server.url(path))
            request.lane = lane
            return transport.start(request, completion: inbox.completion(key))
        }
        _ = start("/first", .demand, 0)
        server.waitForRequests(1)
        _ = start("/a", .prefetch, 1)
        let promoted = start("/b", .prefetch, 2)
        _ = start("/c", .demand, 3)
        promoted.promote()
        gate.open()
        _ = inbox.wait(4)
        #expect(server.requests.map(\.target) == ["/first", "/c", "/b", "/a"])
    }

    @Test func promotedInFlightFreesThePrefetchShare() {
        let gate = Gate()
        let server = ScriptedServer { $0.target == "/a" ? [.gate(gate)] + reply("x") : reply("x") }
        let transport = testTransport {
            $0.maxConnectionsPerHost = 2
            $0.prefetchShare = 0.5
        }
        let inbox = Inbox()
        var request = HTTPRequest(url: server.url("/a"))
        request.lane = .prefetch
        let first = transport.start(request, completion: inbox.completion(0))
        server.waitForRequests(1)
        request.url = server.url("/b")
        transport.start(request, completion: inbox.completion(1))
        first.promote()
        // The second prefetch may run now, although the first is still under way.
        #expect(inbox.wait(1)[1]?.response != nil)
        gate.open()
        #expect(inbox.wait(2)[0]?.response != nil)
    }

    @Test func cancelEndsQueuedAndRunningRequests() {
        let server = ScriptedServer { $0.target == "/hold" ? [.hold] : reply("x") }
        let transport = testTransport { $0.maxConnectionsPerHost = 1 }
        let inbox = Inbox()
        let running = transport.start(HTTPRequest(url: server.url("/hold")), completion: inbox.completion(0))
        server.waitForRequests(1)
        let queued = transport.start(HTTPRequest(url: server.url("/queued")), completion: inbox.completion(1))
        queued.cancel()
        #expect(inbox.wait(1)[1]?.kind == .cancelled)
        running.cancel()
        running.cancel()
        queued.cancel()
        #expect(inbox.wait(2)[0]?.kind == .cancelled)
        #expect(transport.fetch(server.url("/after")).response != nil)
        #expect(server.requests.map(\.target) == ["/hold", "/after"])
        #expect(inbox.count == 2)
        #expect(transport.statistics.errors == [.cancelled: 2])
        #expect(transport.statistics.cancelled == 2)
        #expect(transport.statistics.failed == 0)
    }

    @Test func cancelEndsAPause() {
        let server = ScriptedServer { _ in reply("later", status: 503) }
        let transport = testTransport {
            $0.backoffBase = 1000
            $0.backoffCeiling = 1000
        }
        let inbox = Inbox()
        let exchange = transport.start(HTTPRequest(url: server.url("/x")), completion: inbox.completion())
        server.waitForRequests(1)
        while transport.statistics.retries == 0 { sched_yield() }
        exchange.cancel()
        #expect(inbox.wait()[0]?.kind == .cancelled)
    }

    @Test func shutdownCompletesEverything() {
        let server = ScriptedServer { _ in [.hold] }
        let transport = testTransport { $0.maxConnectionsPerHost = 2 }
        let inbox = Inbox()
        for key in 0..<6 { transport.start(HTTPRequest(url: server.url("/x")), completion: inbox.completion(key)) }
        server.waitForRequests(2)
        transport.shutdown()
        #expect(inbox.count == 6)
        #expect(inbox.wait(6).values.allSatisfy { $0.kind == .shutDown })
        #expect(transport.statistics.inFlight == 0)
        #expect(transport.statistics.waiting == 0)
        let late = transport.start(HTTPRequest(url: server.url("/x")), completion: inbox.completion(6))
        #expect(inbox.wait(7)[6]?.kind == .shutDown)
        late.cancel()
        transport.shutdown()
        #expect(inbox.count == 7)
    }

    @Test func completionMayStartCancelAndShutDown() {
        let server = ScriptedServer { _ in reply("x") }
        let transport = testTransport()
        let inbox = Inbox()
        let url = server.url("/x")
        transport.start(HTTPRequest(url: url)) { _ in
            let second = transport.start(HTTPRequest(url: url)) { result in
                inbox.completion(1)(result)
                transport.shutdown()
            }
            second.promote()
        }
        #expect(inbox.wait(1)[1]?.response != nil)
    }

    @Test func droppedTransportEndsItsThread() {
        let server = ScriptedServer { _ in [.hold] }
        let inbox = Inbox()
        do {
            let transport = testTransport()
            transport.start(HTTPRequest(url: server.url("/x")), completion: inbox.completion())
            server.waitForRequests(1)
        }
        #expect(inbox.wait()[0]?.kind == .shutDown)
    }
}
