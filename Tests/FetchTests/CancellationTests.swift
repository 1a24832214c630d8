import Glibc
import Specimens
import Support
import TestTools
import Testing

@testable import Fetch

@Suite struct CancellationTests {
    @Test func aReaderThatLeavesIsAnsweredAtOnceAndTheOthersGoOn() throws {
        let bench = try Bench()
        defer { bench.close() }
        let token = CancellationToken()
        let leaver = bench.fetch(request(), token: token)
        let stayer = bench.fetch(request())
        let call = try bench.source.call(0)
        token.cancel()
        // On the thread that cancels: no wait.
        #expect(leaver.count == 1)
        #expect(try leaver.wait()[0].failure == "cancelled")
        #expect(call.cancelled.value == 0)
        call.reply([1])
        #expect(try stayer.wait()[0].bytes == [1])
        #expect(leaver.count == 1)
    }

    @Test func withTheLastReaderTheRequestIsCancelled() throws {
        let bench = try Bench()
        defer { bench.close() }
        let tokens = [CancellationToken(), CancellationToken()]
        let outcomes = tokens.map { bench.fetch(request(), token: $0) }
        let call = try bench.source.call(0)
        tokens[0].cancel()
        #expect(call.cancelled.value == 0)
        tokens[1].cancel()
        #expect(eventually { call.cancelled.value == 1 })
        #expect(outcomes.allSatisfy { $0.count == 1 })
        #expect(bench.fetcher.statistics.flightsNow == 0)
        #expect(bench.fetcher.statistics.abandoned == 1)
        // The next reader gets a request of its own.
        let next = bench.fetch(request())
        try bench.source.call(1).reply([3])
        #expect(try next.wait()[0].bytes == [3])
    }

    /// The reader leaves while its request is being started, before anybody knows what to cancel.
    @Test func aRequestThatIsJustBeingStartedIsCancelledToo() throws {
        let token = CancellationToken()
        let bench = try Bench(ScriptedSource { _ in token.cancel() })
        defer { bench.close() }
        let outcome = bench.fetch(request(), token: token)
        let call = try bench.source.call(0)
        #expect(eventually { call.cancelled.value == 1 })
        #expect(try outcome.wait()[0].failure == "cancelled")
        #expect(bench.fetcher.statistics.abandoned == 1)
    }

    /// The caller may hold a lock that its completion takes.
    @Test func completionsNeverRunInsideTheCall() throws {
        let bench = try Bench(ScriptedSource { $0.reply([1]) })
        defer { bench.close() }
        let cancelled = CancellationToken()
        cancelled.cancel()
        let lock = Monitor(0)
        let done = Outcomes()
        for index in 0..<300 {
            let token = index % 3 == 0 ? cancelled : CancellationToken()
            lock.withLock { _ in
                bench.fetcher.fetch(request(index % 10), lane: .demand, token: token) { result in
                    lock.withLock { $0 += 1 }
                    done.completion(result)
                }
            }
        }
        #expect(try done.wait(300).filter { $0.failure == "cancelled" }.count == 100)
        #expect(lock.withLock { $0 } == 300)
    }

    /// Readers, cancellations and replies in random order on several threads: each completion comes once, right, and
    /// nothing is left over.
    @Test(arguments: [1, 2, 3] as [UInt64], [true, false])
    func races(seed: UInt64, isCached: Bool) throws {
        let parked = Monitor<[ScriptedSource.Call]>([])
        let bench = try Bench(ScriptedSource { call in parked.update { $0.append(call) } }, cached: isCached)
        defer { bench.close() }
        let isOver = Monitor(false)
        let answerer = try NamedThread("answerer") {
            var random = Seeded(seed)
            while true {
                let call = parked.wait(until: Instant.now.advanced(bySeconds: 0.01)) { calls -> ScriptedSource.Call? in
                    calls.isEmpty ? nil : calls.remove(at: Int.random(in: calls.indices, using: &random))
                }
                guard let call else {
                    if isOver.withLock({ $0 }) { return }
                    continue
                }
                switch Int.random(in: 0..<6, using: &random) {
                case 0: call.fail(.failed)
                default: call.reply(Array(name(call.request).utf8))
                }
            }
        }
        let completions = (0..<4 * 300).map { _ in Counter() }
        let wrong = Counter()
        let threads = try (0..<4).map { thread in
            try NamedThread("reader-\(thread)") {
                var random = Seeded(seed * 1000 + UInt64(thread))
                var tokens: [CancellationToken] = []
                for step in 0..<300 {
                    let token = CancellationToken()
                    let request = request(Int.random(in: 0..<(isCached ? 80 : 5), using: &random))
                    let expected = Array(name(request).utf8)
                    if Int.random(in: 0..<8, using: &random) == 0 {
                        bench.fetcher.prefetch(request, token: tokens.last ?? token)
                    }
                    let lane: Lane = Bool.random(using: &random) ? .demand : .prefetch
                    bench.fetcher.fetch(request, lane: lane, token: token) { result in
                        completions[thread * 300 + step].add()
                        switch result {
                        case .success(let block): if block.bytes != expected { wrong.add() }
                        case .failure(.cancelled), .failure(.source): break
                        case .failure: wrong.add()
                        }
                    }
                    tokens.append(token)
                    if Bool.random(using: &random), let chosen = tokens.randomElement(using: &random) {
                        chosen.cancel()
                    }
                }
            }
        }
        for thread in threads { thread.join() }
        #expect(eventually { completions.allSatisfy { $0.value == 1 } && bench.fetcher.statistics.flightsNow == 0 })
        isOver.withLock { $0 = true }
        answerer.join()
        #expect(completions.allSatisfy { $0.value == 1 })
        #expect(wrong.value == 0)
        #expect(bench.fetcher.statistics.waitingReaders == 0)
        #expect(bench.fetcher.state.withLock { $0.prefetchesNow } == 0)
    }
}
