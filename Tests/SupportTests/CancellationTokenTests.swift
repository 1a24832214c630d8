import Support
import Testing

@Suite struct CancellationTokenTests {
    @Test func runsEachHandlerOnce() {
        let token = CancellationToken(requestID: 7)
        let count = Counter()
        token.onCancel { count.add() }
        token.onCancel { count.add(10) }
        #expect(!token.isCancelled)
        #expect(count.value == 0)
        token.cancel()
        token.cancel()
        #expect(token.isCancelled)
        #expect(count.value == 11)
        #expect(token.requestID == 7)
    }

    @Test func aLateHandlerRunsAtOnce() {
        let token = CancellationToken()
        token.cancel()
        let count = Counter()
        token.onCancel { count.add() }
        #expect(count.value == 1)
    }

    @Test func aFinishedTokenForgetsItsHandlers() {
        final class Witness: Sendable {}
        let token = CancellationToken()
        let count = Counter()
        weak var witness: Witness?
        do {
            let held = Witness()
            witness = held
            token.onCancel { [held] in
                _ = held
                count.add()
            }
        }
        #expect(witness != nil)
        token.finish()
        #expect(witness == nil)
        token.cancel()
        #expect(count.value == 0)
    }

    @Test func aHandlerMayUseTheToken() {
        let token = CancellationToken()
        let seen = Counter()
        token.onCancel { if token.isCancelled { seen.add() } }
        token.cancel()
        #expect(seen.value == 1)
    }

    @Test func aRaceOfCancelAndRegistrationRunsEveryHandlerOnce() throws {
        for _ in 0..<50 {
            let token = CancellationToken()
            let count = Counter()
            let adder = try NamedThread("adder") { for _ in 0..<50 { token.onCancel { count.add() } } }
            let cancellers = try (0..<2).map { try NamedThread("cancel-\($0)") { token.cancel() } }
            for thread in cancellers + [adder] { thread.join() }
            #expect(count.value == 50)
        }
    }
}
