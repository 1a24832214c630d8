import Support
import Testing

@testable import Transport

@Suite struct RetryTests {
    @Test(arguments: [408, 429, 500, 502, 503, 504])
    func busyServerIsAskedAgain(_ status: Int) {
        let server = ScriptedServer { request in
            request.number == 0 ? reply("later", status: status, ["Retry-After: 1"]) : reply("fine")
        }
        let transport = testTransport()
        let response = transport.fetch(server.url("/x")).response
        #expect(response?.body == Array("fine".utf8))
        #expect(response?.attempts == 2)
        #expect(transport.statistics.retries == 1)
        #expect(transport.statistics.faults == [.status: 1])
        // The short error page was read, so its connection serves the second try.
        #expect(server.connections == 1)
    }

    @Test(arguments: [204, 304, 400, 401, 403, 404, 410, 416, 501])
    func finalStatusIsNotAskedAgain(_ status: Int) {
        let server = ScriptedServer { _ in [.send("HTTP/1.1 \(status) No\r\nContent-Length: 0\r\n\r\n")] }
        let transport = testTransport()
        let result = transport.fetch(server.url("/x")) { $0.range = 5..<9 }
        guard case .status(let got, let context) = result.error else {
            Issue.record("\(result)")
            return
        }
        #expect(got == status)
        #expect(context.attempts == 1)
        #expect(result.error?.isTransient == false)
        #expect(server.requests.count == 1)
    }

    @Test func badShapeIsAskedAgain() {
        let server = ScriptedServer { request in
            request.number == 0
                ? reply("<html></html>", ["Content-Type: text/html"]) : reply("{}", ["Content-Type: application/json"])
        }
        let transport = testTransport()
        #expect(transport.fetch(server.url("/x"), expects: .json).body == Array("{}".utf8))
    }

    @Test func lastErrorNamesTriesAndCause() {
        let server = ScriptedServer { _ in reply("no", status: 500) }
        let transport = testTransport()
        let error = transport.fetch(server.url("/x")).error
        #expect(error?.description == "host 127.0.0.1: HTTP status 500 after 4 attempts (\(server.url("/x")))")
        #expect(error?.isTransient == true)
    }

    @Test func outageDoesNotMultiplyRequests() {
        let server = ScriptedServer { _ in reply("no", status: 500) }
        let transport = testTransport {
            $0.retryBudget = 10
            $0.retryRefillPerSecond = 0.001
        }
        let inbox = Inbox()
        for key in 0..<40 { transport.start(HTTPRequest(url: server.url("/x")), completion: inbox.completion(key)) }
        #expect(inbox.wait(40).values.allSatisfy { $0.kind == .status })
        #expect(server.requests.count == 50)
    }

    @Test func aRetryThatWouldComeTooLateCostsNothing() {
        let server = ScriptedServer { request in
            switch request.target {
            case "/late": reply("later", status: 503, ["Retry-After: 120"])
            default: reply("fine")
            }
        }
        let other = ScriptedServer { $0.number < 1 ? reply("no", status: 500) : reply("fine") }
        let transport = testTransport {
            $0.retryBudget = 1
            $0.retryRefillPerSecond = 0.001
            $0.retryAfterCeiling = 60
        }
        for _ in 0..<3 {
            let late = transport.fetch(server.url("/late")) { $0.deadline = Instant.now.advanced(bySeconds: 30) }
            #expect(late.kind == .deadlineExceeded)
            #expect(late.error?.context.cause.contains("HTTP status 503") == true)
            #expect(late.error?.context.hasReplied == true)
        }
        #expect(server.requests.count == 1)
        #expect(transport.fetch(other.url("/x")).response?.attempts == 2)
    }

    @Test func budgetLeavesHalfToDemandAndRunsIntoBoundedDebt() {
        var configuration = testConfiguration()
        configuration.retryBudget = 4
        configuration.retryRefillPerSecond = 1
        let start = Instant(nanoseconds: 1_000_000_000)
        var budget = RetryBudget(configuration, patience: 2, now: start)
        func spend(_ lane: Lane, _ now: Instant) -> Double? {
            let wait = budget.wait(lane, now: now)
            if wait != nil { budget.spend() }
            return wait
        }
        #expect(spend(.prefetch, start) == 0)
        #expect(spend(.prefetch, start) == 0)
        #expect(spend(.prefetch, start) == nil)
        #expect(spend(.demand, start) == 0)
        #expect(spend(.demand, start) == 0)
        #expect(spend(.demand, start) == 1)
        #expect(spend(.demand, start) == 2)
        #expect(spend(.demand, start) == nil)
        // Two tokens below zero. Ten seconds refill the bucket to its capacity and no further.
        let later = start.advanced(bySeconds: 10)
        #expect((0..<5).map { _ in spend(.demand, later) } == [0, 0, 0, 0, 1])
    }

    @Test func pausesStayWithinTheirBoundAndSpread() {
        var configuration = testConfiguration()
        configuration.backoffBase = 0.5
        configuration.backoffCeiling = 3
        configuration.retryAfterCeiling = 60
        var policy = RetryPolicy(configuration)
        for (attempt, bound) in [(1, 0.5), (2, 1.0), (3, 2.0), (4, 3.0), (40, 3.0), (Int.max, 3.0)] {
            let pauses = (0..<2000).map { _ in policy.pause(afterAttempt: attempt, retryAfter: nil) }
            #expect(pauses.allSatisfy { (0...bound).contains($0) })
            // The mean of full jitter is half the bound. 2000 draws stay within 5 % of it (7 standard errors).
            let mean = pauses.reduce(0, +) / 2000
            #expect(abs(mean - bound / 2) < 0.05 * bound)
        }
        #expect(policy.pause(afterAttempt: 1, retryAfter: 7) == 7)
        #expect(policy.pause(afterAttempt: 1, retryAfter: 4000) == 60)
        var again = RetryPolicy(configuration)
        var twin = RetryPolicy(configuration)
        #expect(
            (1...9).map { again.pause(afterAttempt: $0, retryAfter: nil) }
                == (1...9).map { twin.pause(afterAttempt: $0, retryAfter: nil) })
    }

    @Test func retryAfterIsSecondsOrDate() {
        // 784111777 is `date -u -d 'Sun, 06 Nov 1994 08:49:37' +%s`.
        #expect(RetryPolicy.retryAfter("120", now: 0) == 120)
        #expect(RetryPolicy.retryAfter("Sun, 06 Nov 1994 08:49:37 GMT", now: 784_111_770) == 7)
        #expect(RetryPolicy.retryAfter("Sun, 06 Nov 1994 08:49:37 GMT", now: 784_111_790) == 0)
        #expect(RetryPolicy.retryAfter("soon", now: 0) == nil)
        #expect(RetryPolicy.retryAfter("-5", now: 0) == nil)
        #expect(RetryPolicy.retryAfter(nil, now: 0) == nil)
    }

    @Test(arguments: [
        ("Sun, 06 Nov 1994 08:49:37 GMT", 784_111_777), ("Sunday, 06-Nov-94 08:49:37 GMT", 784_111_777),
        ("Sun Nov  6 08:49:37 1994", 784_111_777), ("Thu, 29 Feb 2024 23:59:59 GMT", 1_709_251_199),
        ("Mon, 01 Mar 2100 00:00:00 GMT", 4_107_542_400), ("Thu, 01 Jan 1970 00:00:00 GMT", 0),
        ("Tue, 29 Feb 2000 23:59:59 GMT", 951_868_799), ("Fri, 31 Dec 9999 23:59:59 GMT", 253_402_300_799),
    ])
    func datesOfAllThreeForms(_ text: String, _ seconds: Int) {
        #expect(HTTPDate.parse(text) == seconds)
    }

    @Test(arguments: [
        "", "GMT", "Sun, 06 Foo 1994 08:49:37 GMT", "Sun, 06 Nov 1994 25:49:37 GMT", "06 Nov 1994",
        "Sun, 06 Nov 1994 08:49 GMT", "Sun, 32 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 10000 08:49:37 GMT",
        "Sun, 06 Nov 9223372036854775807 08:49:37 GMT", "Sun, 06 Nov 1994 9223372036854775807:00:00 GMT",
    ])
    func otherTextIsNoDate(_ text: String) { #expect(HTTPDate.parse(text) == nil) }
}
