import Support
import Testing

@testable import FileTree

@Suite struct LookaheadTests {
    /// Notes what is fetched, and under which token.
    private final class Fetches: Sendable {
        private let state = Monitor<[(unit: Int, token: CancellationToken)]>([])
        /// Units that are taken up to their part 7, and those that were asked for from there on.
        let refused = Monitor<Set<Int>>([])
        let rest = Monitor<[Int]>([])

        var units: [Int] { state.withLock { $0.map(\.unit) } }
        var cancelled: [Int] { state.withLock { $0.filter(\.token.isCancelled).map(\.unit) } }

        func lookahead(limit: Int = 4, count: Int = 100) -> Lookahead {
            Lookahead(limit: limit, count: count) { [self] unit, part, token, isLeft in
                if part == 0 { state.withLock { $0.append((unit, token)) } } else { rest.withLock { $0.append(unit) } }
                if refused.withLock({ $0.contains(unit) }) { isLeft(7) }
            }
        }
    }

    @Test(arguments: [1, -1])
    func aReaderIsAheadOfItselfInEitherDirection(direction: Int) {
        let fetches = Fetches()
        let ahead = fetches.lookahead()
        for unit in 0..<4 {
            let place = 50 + unit * direction
            ahead.carryOut(ahead.note(place...place))
        }
        #expect(fetches.units == [52, 53, 54, 55, 56, 57].map { 50 + ($0 - 50) * direction })
        #expect(fetches.cancelled.isEmpty)
    }

    @Test func aJumpEndsWhatIsUnderWayAndNothingIsFetchedForWhereItLeads() {
        let fetches = Fetches()
        let ahead = fetches.lookahead()
        for unit in 0..<3 { ahead.carryOut(ahead.note(unit...unit)) }
        #expect(fetches.units == [2, 3, 4])
        ahead.carryOut(ahead.note(70...70))
        #expect(fetches.cancelled == [2, 3, 4])
        ahead.carryOut(ahead.note(71...71))
        #expect(fetches.units == [2, 3, 4, 72])
        ahead.carryOut(ahead.noteJump())
        #expect(fetches.cancelled == [2, 3, 4, 72])
    }

    @Test func closingEndsWhatIsUnderWayButForWhatWasTransferred() {
        let fetches = Fetches()
        var ahead: Lookahead? = fetches.lookahead()
        ahead?.note(0...0).carryOut(on: ahead)
        ahead?.note(1...1).carryOut(on: ahead)
        let token = ahead?.transfer()
        #expect(token != nil)
        ahead?.note(2...2).carryOut(on: ahead)
        ahead = nil
        #expect(fetches.cancelled == [3, 4])

        var other: Lookahead? = fetches.lookahead()
        if let token { other?.take(token) }
        #expect(fetches.cancelled == [3, 4])
        other = nil
        #expect(fetches.cancelled == [2, 3, 4])
    }

    @Test func whatThereWasNoRoomForIsOfferedAgainFromThereOnWhileItIsAhead() {
        let fetches = Fetches()
        let ahead = fetches.lookahead()
        fetches.refused.withLock { $0 = [2] }
        ahead.carryOut(ahead.note(0...0))
        ahead.carryOut(ahead.note(1...1))
        #expect(fetches.units == [2])
        #expect(fetches.rest.withLock { $0 } == [])
        ahead.carryOut(ahead.note(1...1))
        #expect(fetches.rest.withLock { $0 } == [2])
        fetches.refused.withLock { $0 = [4] }
        ahead.carryOut(ahead.note(2...2))
        #expect(fetches.units == [2, 3, 4])
        // Far away nothing of it is wanted.
        fetches.refused.withLock { $0 = [] }
        ahead.carryOut(ahead.note(60...60))
        ahead.carryOut(ahead.note(61...61))
        #expect(fetches.units == [2, 3, 4, 62])
        #expect(fetches.rest.withLock { $0 } == [2])
    }

    @Test func withoutAWindowNothingIsFetched() {
        let fetches = Fetches()
        let ahead = fetches.lookahead(limit: 0)
        for unit in 0..<10 { ahead.carryOut(ahead.note(unit...unit)) }
        #expect(fetches.units.isEmpty)
    }
}

extension Lookahead.Step {
    fileprivate func carryOut(on ahead: Lookahead?) { ahead?.carryOut(self) }
}
