import Logging
import Testing

@testable import Support

@Suite struct FlightTableTests {
    private enum Failure: Error, Equatable {
        case cancelled
    }

    private typealias Table = FlightTable<String, Int, Failure>

    private let table = Table(cancelled: .cancelled, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })

    @Test func callersThatComeWhileAnEffortRunsShareIt() {
        let (effort, resolver) = Promise<Int, Failure>.pending()
        let starts = Counter()
        let promises = (0..<3).map { _ in
            table.join("key", token: CancellationToken()) { _ in
                starts.add()
                return effort
            }
        }
        #expect(starts.value == 1)
        #expect(promises.allSatisfy { $0.result == nil })
        resolver.resolve(.success(7))
        #expect(promises.allSatisfy { $0.result == .success(7) })
    }

    @Test func aCallerThatLeavesIsAnsweredAtOnceAndTheLastEndsTheEffort() {
        let tokens = [CancellationToken(), CancellationToken()]
        let efforts = Monitor<[CancellationToken]>([])
        let promises = tokens.map { token in
            table.join("key", token: token) { effort in
                efforts.withLock { $0.append(effort) }
                return Promise<Int, Failure>.pending().0
            }
        }
        tokens[0].cancel()
        #expect(promises[0].result == .failure(.cancelled) && promises[1].result == nil)
        #expect(efforts.withLock { $0 }.map(\.isCancelled) == [false])
        tokens[1].cancel()
        #expect(promises[1].result == .failure(.cancelled))
        #expect(efforts.withLock { $0 }.map(\.isCancelled) == [true])
        // A later caller begins anew.
        let later = table.join("key", token: CancellationToken()) { _ in Promise(.success(1)) }
        #expect(later.result == .success(1))
    }
}
