import Glibc
import Support
import Testing

@testable import Transport

/// A host that sends a busy reply gets no request during its pause, however many readers wait.
@Suite struct BusyHostTests {
    private static let readers = 200

    /// Makes the requests of 200 readers, each for its own target, and waits for their results.
    private func flood(_ transport: Transport, _ server: ScriptedServer, seconds: Double? = nil) -> [Reply] {
        let inbox = Inbox()
        for key in 0..<Self.readers {
            var request = HTTPRequest(url: server.url("/\(key)"))
            request.object = "\(key)/image"
            request.deadline = seconds.map { Instant.now.advanced(bySeconds: $0) }
            transport.start(request, completion: inbox.completion(key))
        }
        return Array(inbox.wait(Self.readers).values)
    }

    /// The requests under way together, and then one probe for each further try.
    private let most = 8 + 3

    @Test(arguments: [429, 502, 503, 504])
    func anOutageCostsOneRequestAPause(_ status: Int) {
        let server = ScriptedServer { _ in reply("later", status: status) }
        let transport = testTransport()
        let replies = flood(transport, server)
        #expect(replies.allSatisfy { $0.kind == .status && $0.error?.context.cause.contains("\(status)") == true })
        #expect(server.requests.count <= most)
        // Later readers get the reply to one of the next probes.
        let before = server.requests.count
        #expect(flood(transport, server).allSatisfy { $0.kind == .status })
        #expect((before + 1...before + 10).contains(server.requests.count))
    }

    @Test func readersWaitForTheTimeThatTheHostAsksFor() throws {
        let log = Monitor<[Instant]>([])
        let server = ScriptedServer { request in
            log.withLock { $0.append(.now) }
            return request.number < 6 ? reply("later", status: 503, ["Retry-After: 1"]) : reply("fine")
        }
        let transport = testTransport { $0.retryAfterCeiling = 60 }
        #expect(flood(transport, server).allSatisfy { $0.response != nil })
        let times = log.withLock { $0 }
        #expect(times.count == Self.readers + 6)
        // Six contents were under way together; then there is no request for a second.
        #expect(times[6].seconds(since: times[0]) >= 1)
        #expect(transport.statistics.busyHosts.isEmpty)
    }

    @Test(arguments: ["60", "999999999999", "Fri, 31 Dec 9999 23:59:59 GMT"])
    func aTimeBehindTheDeadlineFailsAtOnce(_ retryAfter: String) {
        let server = ScriptedServer { _ in reply("later", status: 429, ["Retry-After: \(retryAfter)"]) }
        let transport = testTransport { $0.retryAfterCeiling = 60 }
        let replies = flood(transport, server, seconds: 50)
        #expect(replies.allSatisfy { $0.kind == .deadlineExceeded && $0.error?.context.hasReplied == true })
        #expect(replies.contains { $0.error?.context.cause.hasPrefix("the host is busy for ") == true })
        #expect(server.requests.count <= 8)
        #expect(transport.statistics.busyHosts == ["http://127.0.0.1:\(server.port)"])
        // A later request fails too, without being sent.
        let before = server.requests.count
        let late = transport.fetch(server.url("/late")) { $0.deadline = .now.advanced(bySeconds: 50) }
        #expect(late.kind == .deadlineExceeded)
        #expect(late.error?.context.cause.contains("HTTP status 429") == true)
        #expect(server.requests.count == before)
    }

    @Test(arguments: ["-5", "soon", "Sun, 06 Nov 1994 08:49:37 GMT", "99999999999999999999999"])
    func aTimeThatIsNoneIsNotHeeded(_ retryAfter: String) {
        let server = ScriptedServer { request in
            request.number == 0 ? reply("later", status: 503, ["Retry-After: \(retryAfter)"]) : reply("fine")
        }
        let transport = testTransport { $0.retryAfterCeiling = 600 }
        #expect(transport.fetch(server.url("/x")) { $0.deadline = .now.advanced(bySeconds: 60) }.response != nil)
    }

    @Test func otherHostsAreAskedMeanwhile() {
        let busy = ScriptedServer { _ in reply("later", status: 503, ["Retry-After: 60"]) }
        let good = ScriptedServer { _ in reply("fine") }
        let transport = testTransport { $0.retryAfterCeiling = 60 }
        let inbox = Inbox()
        let exchange = transport.start(HTTPRequest(url: busy.url("/x")), completion: inbox.completion())
        while transport.statistics.busyHosts.isEmpty { sched_yield() }
        #expect(transport.fetch(good.url("/x")).response != nil)
        exchange.cancel()
        #expect(inbox.wait()[0]?.kind == .cancelled)
    }

    /// A reader that cancels its request while it is the probe leaves the probing to the next one.
    @Test func aProbeThatIsGivenUpIsFollowedByAnother() {
        let server = ScriptedServer { request in
            switch request.target {
            case "/first": reply("later", status: 503)
            case "/probe": [.hold]
            default: reply("fine")
            }
        }
        let transport = testTransport { $0.maximumAttempts = 1 }
        #expect(transport.fetch(server.url("/first")).kind == .status)
        let inbox = Inbox()
        let probe = transport.start(HTTPRequest(url: server.url("/probe")), completion: inbox.completion(0))
        server.waitForRequests(2)
        transport.start(HTTPRequest(url: server.url("/next")), completion: inbox.completion(1))
        while transport.statistics.waiting == 0 { sched_yield() }
        #expect(server.requests.count == 2)
        probe.cancel()
        #expect(inbox.wait(2)[1]?.response != nil)
    }

    @Test func pausesGrowWithAnswersInARowAndEndWithAReply() {
        var gate = BusyGate()
        let start = Instant(nanoseconds: 1_000_000_000)
        func busy(_ job: UInt64, at seconds: Double) -> Bool {
            gate.answeredBusy(job, cause: "c", now: start.advanced(bySeconds: seconds)) { Double($0) * 10 }
        }
        #expect(gate.admits(start))
        #expect(busy(1, at: 0))
        // This request was under way together with the first, so its reply is no news.
        #expect(!busy(2, at: 1))
        #expect(gate.failures == 1)
        #expect(gate.opensAt == start.advanced(bySeconds: 11))
        #expect(!gate.admits(start.advanced(bySeconds: 10)))
        #expect(gate.admits(start.advanced(bySeconds: 11)))
        gate.begin(3)
        #expect(!gate.admits(start.advanced(bySeconds: 60)))
        gate.ended(2, tells: true, now: start)
        #expect(!gate.isOpen)
        #expect(busy(3, at: 20))
        #expect(gate.opensAt == start.advanced(bySeconds: 40))
        gate.begin(4)
        gate.ended(4, tells: false, now: start.advanced(bySeconds: 41))
        #expect(gate.admits(start.advanced(bySeconds: 41)) && gate.failures == 2)
        gate.begin(5)
        gate.ended(5, tells: true, now: start.advanced(bySeconds: 42))
        #expect(gate.isOpen && gate.failures == 0)
    }
}
