import Support
import Testing

@Suite struct WorkerPoolTests {
    /// A pool whose one thread waits, so that all jobs are queued before any of them runs.
    private func heldPool() throws -> (pool: WorkerPool, gate: Monitor<Bool>) {
        let pool = try WorkerPool(name: "held", count: 1)
        let gate = Monitor(false)
        let begun = Monitor(false)
        pool.submit {
            begun.update { $0 = true }
            gate.wait { $0 ? () : nil }
        }
        begun.wait { $0 ? () : nil }
        return (pool, gate)
    }

    @Test func demandOvertakesPrefetchAndEachLaneKeepsItsOrder() throws {
        let (pool, gate) = try heldPool()
        let order = Monitor<[String]>([])
        for number in 0..<100 {
            pool.submit(.prefetch) { order.withLock { $0.append("p\(number)") } }
            pool.submit(.demand) { order.withLock { $0.append("d\(number)") } }
        }
        #expect(pool.backlog == 200)
        gate.update { $0 = true }
        pool.shutdown()
        #expect(order.withLock { $0 } == (0..<100).map { "d\($0)" } + (0..<100).map { "p\($0)" })
        #expect(pool.backlog == 0)
    }

    @Test func shutdownRunsWhatIsQueuedAndRefusesMore() throws {
        let (pool, gate) = try heldPool()
        let count = Counter()
        for _ in 0..<10 { pool.submit(.prefetch) { count.add() } }
        gate.update { $0 = true }
        pool.shutdown()
        #expect(count.value == 10)
        #expect(!pool.submit { count.add() })
        pool.shutdown()
        #expect(count.value == 10)
    }

    @Test func everyThreadWorks() throws {
        let pool = try WorkerPool(name: "wide", count: 4)
        let inside = Monitor(0)
        for _ in 0..<4 {
            pool.submit {
                inside.update { $0 += 1 }
                inside.wait { $0 >= 4 ? () : nil }
            }
        }
        pool.shutdown()
        #expect(inside.withLock { $0 } == 4)
    }

    @Test func aPoolHasAtLeastOneThread() throws {
        let pool = try WorkerPool(name: "none", count: 0)
        let count = Counter()
        pool.submit { count.add() }
        pool.shutdown()
        #expect(count.value == 1)
    }

    @Test func jobsFromManyThreadsAllRun() throws {
        let pool = try WorkerPool(name: "many", count: 2)
        let count = Counter()
        let threads = try (0..<4).map { index in
            try NamedThread("submit-\(index)") { for _ in 0..<300 { pool.submit(.prefetch) { count.add() } } }
        }
        for thread in threads { thread.join() }
        pool.shutdown()
        #expect(count.value == 1200)
    }
}
