import Support
import Testing

/// A failure to compare.
private enum Fault: Error, Equatable {
    case first, second
}

private typealias Work = Promise<Int, Fault>

/// The results that handlers were called with, in order.
private final class Calls<Value: Sendable>: Sendable {
    private let values = Monitor<[Value]>([])
    var all: [Value] { values.withLock { $0 } }
    func add(_ value: Value) { values.withLock { $0.append(value) } }
}

@Suite struct PromiseTests {
    @Test func aResolvedPromiseAnswersAtOnce() {
        let calls = Calls<Result<Int, Fault>>()
        let promise = Work(.success(7))
        promise.whenDone { calls.add($0) }
        #expect(calls.all == [.success(7)])
        #expect(promise.result == .success(7))
        #expect(promise.wait() == .success(7))
    }

    @Test func aResolvedPromiseIsNoLargerThanItsResult() {
        // One tag at most beside the result: nothing is boxed.
        #expect(MemoryLayout<Promise<[UInt8], Never>>.size <= MemoryLayout<Result<[UInt8], Never>>.size + 1)
    }

    @Test func handlersRunInOrderAndLaterOnesAtOnce() {
        let calls = Calls<String>()
        let (promise, resolver) = Work.pending()
        for name in ["a", "b", "c"] { promise.whenDone { calls.add("\(name) \($0)") } }
        #expect(promise.result == nil)
        #expect(calls.all.isEmpty)
        #expect(resolver.resolve(.failure(.first)))
        promise.whenDone { calls.add("d \($0)") }
        #expect(calls.all == ["a", "b", "c", "d"].map { "\($0) \(Result<Int, Fault>.failure(.first))" })
        #expect(promise.result == .failure(.first))
    }

    @Test func onlyTheFirstResultCounts() {
        let calls = Calls<Result<Int, Fault>>()
        let (promise, resolver) = Work.pending()
        promise.whenDone { calls.add($0) }
        #expect(resolver.resolve(.success(1)))
        #expect(!resolver.resolve(.success(2)))
        #expect(!resolver.resolve(.failure(.first)))
        #expect(calls.all == [.success(1)])
    }

    @Test func aHandlerMayUseThePromise() {
        let calls = Calls<Result<Int, Fault>?>()
        let (promise, resolver) = Work.pending()
        promise.whenDone { _ in
            calls.add(promise.result)
            promise.whenDone { calls.add($0) }
            #expect(!resolver.resolve(.success(2)))
        }
        resolver.resolve(.success(1))
        #expect(calls.all == [.success(1), .success(1)])
    }

    @Test func transformationsApplyBeforeAndAfterTheResult() {
        for isEarly in [true, false] {
            for result in [Result<Int, Fault>.success(2), .failure(.first)] {
                let (promise, resolver) = Work.pending()
                if !isEarly { resolver.resolve(result) }
                let mapped = promise.map { "\($0)" }
                let chained = promise.flatMap { $0 == 2 ? Work(.failure(.second)) : Work(.success($0)) }
                let renamed = promise.mapError { _ in Fault.second }
                if isEarly {
                    #expect(mapped.result == nil && chained.result == nil && renamed.result == nil)
                    resolver.resolve(result)
                }
                #expect(mapped.result == result.map { "\($0)" })
                #expect(chained.result == .failure(result == .success(2) ? .second : .first))
                #expect(renamed.result == result.mapError { _ in .second })
            }
        }
    }

    @Test func aChainedPromiseWaitsForItsSecondPart() {
        let (first, firstResolver) = Work.pending()
        let (second, secondResolver) = Work.pending()
        let chained = first.flatMap { _ in second }
        firstResolver.resolve(.success(1))
        #expect(chained.result == nil)
        secondResolver.resolve(.success(5))
        #expect(chained.result == .success(5))
    }

    @Test func allValuesComeInTheOrderOfThePromises() {
        let parts = (0..<3).map { _ in Work.pending() }
        let all = Work.all(parts.map(\.0) + [Work(.success(3))])
        for index in [2, 0] { parts[index].1.resolve(.success(index)) }
        #expect(all.result == nil)
        parts[1].1.resolve(.success(1))
        #expect(all.result == .success([0, 1, 2, 3]))
        #expect(Work.all([]).result == .success([]))
        #expect(Work.all([Work(.success(4)), Work(.success(5))]).result == .success([4, 5]))
        #expect(Work.all([Work(.success(4)), Work(.failure(.first))]).result == .failure(.first))
    }

    @Test func theFirstFailureResolvesAll() {
        let parts = (0..<3).map { _ in Work.pending() }
        let all = Work.all(parts.map(\.0))
        parts[2].1.resolve(.failure(.second))
        #expect(all.result == .failure(.second))
        parts[0].1.resolve(.failure(.first))
        #expect(all.result == .failure(.second))
    }

    @Test func oneOfManyThreadsResolvesAndAllSeeTheSame() throws {
        for _ in 0..<50 {
            let (promise, resolver) = Work.pending()
            let firsts = Counter()
            let calls = Calls<Result<Int, Fault>>()
            let threads = try (0..<8).map { number in
                try NamedThread("promise-\(number)") {
                    promise.whenDone { calls.add($0) }
                    if resolver.resolve(.success(number)) { firsts.add() }
                    calls.add(promise.wait())
                }
            }
            for thread in threads { thread.join() }
            let result = try #require(promise.result)
            #expect(firsts.value == 1)
            #expect(calls.all == Array(repeating: result, count: 16))
        }
    }
}
