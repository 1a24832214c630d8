import Support
import Testing

@testable import Transport

/// Many requests to a server that fails one reply in three, each time in another way.
@Suite struct SoakTests {
    @Test func everyBodyIsExactAndNothingIsLeftOver() {
        let file = pattern(50_000)
        let server = ScriptedServer { request in
            var generator = SplitMix64(state: UInt64(request.number))
            let honestReply = honest(file, request, ["ETag: \"a\""])
            guard case .bytes(let bytes) = honestReply[0] else { return honestReply }
            let cut = Int.random(in: 0..<bytes.count, using: &generator)
            switch Int.random(in: 0..<18, using: &generator) {
            case 0: return [.reset]
            case 1: return [.close]
            case 2: return [.bytes(Array(bytes[..<cut])), .close]
            case 3: return [.bytes(Array(bytes[..<cut])), .reset]
            case 4: return reply("busy", status: 503, ["Retry-After: 0"])
            case 5: return reply("<html>", ["Content-Type: text/html"])
            default: return honestReply
            }
        }
        let transport = testTransport {
            $0.maximumAttempts = 30
            $0.retryBudget = 1e6
        }
        let inbox = Inbox()
        let count = 400
        var generator = SplitMix64(state: 99)
        var ranges: [Range<Int>] = []
        for key in 0..<count {
            let first = Int.random(in: 0..<file.count, using: &generator)
            let last = Int.random(in: first + 1...file.count, using: &generator)
            ranges.append(first..<last)
            var request = HTTPRequest(url: server.url("/\(key)"), expects: .bytes)
            request.range = first..<last
            request.ifRange = "\"a\""
            request.expectedLength = last - first
            request.lane = key % 3 == 0 ? .prefetch : .demand
            let exchange = transport.start(request, completion: inbox.completion(key))
            if key % 6 == 0 { exchange.promote() }
        }
        let replies = inbox.wait(count)
        #expect(replies.count == count)
        for (key, range) in ranges.enumerated() {
            #expect(replies[key]?.body == Array(file[range]), "request \(key)")
        }
        let statistics = transport.statistics
        #expect(statistics.inFlight == 0)
        #expect(statistics.waiting == 0)
        #expect(statistics.succeeded == count)
        #expect(statistics.resumed > 0)
        #expect(inbox.count == count)
    }
}
