import Support
import Testing

@Suite struct MonitorTests {
    private struct Refused: Error {}

    @Test func onlyOneThreadIsInside() throws {
        let monitor = Monitor((inside: 0, most: 0, total: 0))
        let threads = try (0..<6).map { index in
            try NamedThread("monitor-\(index)") {
                for _ in 0..<500 {
                    monitor.withLock { state in
                        state.inside += 1
                        state.most = max(state.most, state.inside)
                        state.total += 1
                        state.inside -= 1
                    }
                }
            }
        }
        for thread in threads { thread.join() }
        #expect(monitor.withLock { $0.most } == 1)
        #expect(monitor.withLock { $0.total } == 3000)
    }

    @Test func anErrorLeavesTheLockFree() {
        let monitor = Monitor(0)
        #expect(throws: Refused.self) {
            try monitor.withLock { (state: inout Int) throws(Refused) in
                state = 1
                throw Refused()
            }
        }
        #expect(monitor.withLock { $0 } == 1)
    }

    @Test func anUpdateWakesEveryWaiter() throws {
        let monitor = Monitor((open: false, passed: 0))
        let threads = try (0..<4).map { index in
            try NamedThread("waiter-\(index)") {
                monitor.wait { $0.open ? () : nil }
                monitor.update { $0.passed += 1 }
            }
        }
        monitor.update { $0.open = true }
        monitor.wait { $0.passed == 4 ? () : nil }
        for thread in threads { thread.join() }
        #expect(monitor.withLock { $0.passed } == 4)
    }

    @Test func aDeadlineEndsTheWait() {
        let monitor = Monitor(0)
        let deadline = Instant.now.advanced(bySeconds: 0.02)
        #expect(monitor.wait(until: deadline) { $0 == 1 ? "set" : nil } == nil)
        #expect(Instant.now >= deadline)
        monitor.update { $0 = 1 }
        #expect(monitor.wait(until: deadline) { $0 == 1 ? "set" : nil } == "set")
    }
}
