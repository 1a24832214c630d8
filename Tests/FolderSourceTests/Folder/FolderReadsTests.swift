import Specimens
import Support
import TestTools
import Testing

@testable import FolderSource

/// Reads that the file system does not answer.
@Suite struct FolderReadsTests {
    /// A file system that answers when the test says so.
    private final class Server: Sendable {
        private let isOpen = Monitor(false)
        let entered = Counter()

        func answer() { isOpen.update { $0 = true } }

        func read() -> Promise<Int, SourceError> {
            entered.add()
            isOpen.wait { $0 ? () : nil }
            return Promise(.success(7))
        }
    }

    private func soon() -> Instant { .now.advanced(bySeconds: 0.05) }
    private func late() -> Instant { .now.advanced(bySeconds: 600) }

    @Test func aReadIsGivenUpAtItsDeadlineThoughItsThreadWaits() throws {
        let reads = try FolderReads(path: "/x")
        let server = Server()
        let stuck = reads.run(.demand, by: soon()) { _ in server.read() }.answer
        #expect(stuck.error == .deadlineExceeded && reads.outage == nil)
        #expect(try reads.run(.demand, by: late()) { _ in Promise(.success(3)) }.answer.wait().get() == 3)
        server.answer()
        reads.shutDown()
    }

    @Test func whileAllThreadsWaitFurtherReadsFailAtOnce() throws {
        let reads = try FolderReads(path: "/x")
        let server = Server()
        let stuck = (0..<FolderReads.threadCount).map { _ in
            reads.run(.demand, by: soon()) { _ in server.read() }.answer
        }
        for answer in stuck { #expect(answer.error == .deadlineExceeded) }
        let refused = reads.run(.demand, by: late()) { _ in server.read() }.answer
        let outage = Outage.unreachable(host: "/x", cause: "4 reads there have not ended")
        #expect(refused.error == .outage(outage) && reads.outage == outage)
        #expect(server.entered.value == FolderReads.threadCount)
        server.answer()
        #expect(eventually { reads.outage == nil })
        #expect(try reads.run(.demand, by: late()) { _ in server.read() }.answer.wait().get() == 7)
        reads.shutDown()
    }

    @Test func theEndOfTheMountWaitsForNoServer() throws {
        let reads = try FolderReads(path: "/x")
        let server = Server()
        let running = (0..<FolderReads.threadCount).map { _ in
            reads.run(.demand, by: late()) { _ in server.read() }.answer
        }
        let queued = reads.run(.demand, by: late()) { _ in server.read() }.answer
        #expect(eventually { server.entered.value == FolderReads.threadCount })
        let start = Instant.now
        reads.shutDown()
        #expect(Instant.now.seconds(since: start) < 30)
        for answer in running + [queued] { #expect(answer.error == .shutDown) }
        #expect(reads.run(.demand, by: late()) { _ in server.read() }.answer.error == .shutDown)
        server.answer()
    }

    @Test func aCancelledReadIsAnsweredAtOnceAndOneThatWaitsIsNotBegun() throws {
        let reads = try FolderReads(path: "/x")
        let server = Server()
        let tokens = Monitor<[CancellationToken]>([])
        let running = (0..<FolderReads.threadCount).map { _ in
            reads.run(.demand, by: late()) { token in
                tokens.update { $0.append(token) }
                return server.read()
            }
        }
        let queued = reads.run(.demand, by: late()) { _ in server.read() }
        #expect(eventually { server.entered.value == FolderReads.threadCount })
        running[0].exchange.cancel()
        queued.exchange.cancel()
        #expect(running[0].answer.error == .cancelled && queued.answer.error == .cancelled)
        #expect(tokens.withLock { $0.count(where: \.isCancelled) } == 1)
        server.answer()
        for read in running.dropFirst() { #expect(try read.answer.wait().get() == 7) }
        reads.shutDown()
        #expect(server.entered.value == FolderReads.threadCount)
    }

    @Test func demandComesFirstAndAPromotedReadIsDemand() throws {
        let reads = try FolderReads(path: "/x")
        let server = Server()
        let others = Server()
        for _ in 1..<FolderReads.threadCount { _ = reads.run(.demand, by: late()) { _ in others.read() } }
        _ = reads.run(.demand, by: late()) { _ in server.read() }
        #expect(eventually { server.entered.value + others.entered.value == FolderReads.threadCount })
        let order = Monitor<[String]>([])
        func note(_ name: String, _ lane: Lane) -> (answer: Promise<Int, SourceError>, exchange: FolderExchange) {
            reads.run(lane, by: late()) { _ in
                order.withLock { $0.append(name) }
                return Promise(.success(0))
            }
        }
        let queued = [note("prefetch", .prefetch), note("promoted", .prefetch), note("demand", .demand)]
        queued[1].exchange.promote()
        queued[2].exchange.promote()
        // One thread alone goes on.
        server.answer()
        for read in queued { _ = read.answer.wait() }
        #expect(order.withLock { $0 } == ["demand", "promoted", "prefetch"])
        others.answer()
        reads.shutDown()
    }

    @Test func workElsewhereIsGivenUpWithTheRead() throws {
        let reads = try FolderReads(path: "/x")
        let (begun, given) = (Counter(), Counter())
        let pending = (0..<2).map { _ in
            reads.run(.demand, by: late()) { token in
                token.onCancel { given.add() }
                begun.add()
                return Promise<Int, SourceError>.pending().0
            }
        }
        #expect(eventually { begun.value == 2 })
        pending[0].exchange.cancel()
        #expect(pending[0].answer.error == .cancelled && given.value == 1)
        reads.shutDown()
        #expect(pending[1].answer.error == .shutDown && given.value == 2)
    }

    @Test func workThatGoesOnElsewhereHoldsNoThread() throws {
        let reads = try FolderReads(path: "/x")
        let pending = (0..<8).map { _ in Promise<Int, SourceError>.pending() }
        let answers = pending.map { promise in reads.run(.demand, by: late()) { _ in promise.0 }.answer }
        #expect(try reads.run(.demand, by: late()) { _ in Promise(.success(1)) }.answer.wait().get() == 1)
        for (number, promise) in pending.enumerated() { promise.1.resolve(.success(number)) }
        #expect(try answers.map { try $0.wait().get() } == Array(0..<8))
        reads.shutDown()
    }
}

extension Promise where Failure == SourceError {
    /// The kind of the error that the promise is resolved with.
    fileprivate var error: SourceError.Kind? {
        if case .failure(let error) = wait() { error.kind } else { nil }
    }
}
