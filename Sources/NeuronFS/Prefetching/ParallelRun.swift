import Support

/// Does the same with many items on several threads. The calling thread shows the progress and watches for Ctrl-C.
final class ParallelRun<Item: Sendable>: Sendable {
    private struct State {
        var next = 0
        var running: Int
        var isCancelled = false
    }

    private let items: [Item]
    private let body: @Sendable (Item, _ isCancelled: () -> Bool) -> Void
    private let state: Monitor<State>

    private init(_ items: [Item], jobs: Int, body: @escaping @Sendable (Item, _ isCancelled: () -> Bool) -> Void) {
        self.items = items
        self.body = body
        state = Monitor(State(running: jobs))
    }

    /// Calls `body` once for each of `items`, in their order, on `jobs` threads.
    ///
    /// - Parameters:
    ///   - signals: end the run when one arrives.
    ///   - tick: called on this thread some ten times a second.
    /// - Throws: when no thread can be made.
    /// - Returns: whether all items were done. After a signal it returns at once, while threads may wait in a system call. The
    ///   process must end then.
    static func run(
        _ items: [Item], jobs: Int, signals: Signals, tick: () -> Void,
        body: @escaping @Sendable (Item, _ isCancelled: () -> Bool) -> Void
    ) throws(Failure) -> Bool {
        guard !items.isEmpty else { return true }
        let count = min(jobs, items.count)
        let run = ParallelRun(items, jobs: count, body: body)
        var threads: [NamedThread] = []
        do throws(ThreadError) {
            for index in 0..<count { threads.append(try NamedThread("prefetch-\(index)") { run.work() }) }
        } catch {
            // Fewer threads only take longer.
            guard !threads.isEmpty else { throw Failure(sentence: "\(error)") }
            run.state.withLock { $0.running -= count - threads.count }
        }
        while run.state.wait(until: Instant.now.advanced(bySeconds: 0.1), { $0.running == 0 ? true : nil }) == nil {
            tick()
            if signals.arrived(within: 0) {
                run.state.withLock { $0.isCancelled = true }
                return false
            }
        }
        for thread in threads { thread.join() }
        tick()
        return true
    }

    private func work() {
        while let item = take() { body(item) { state.withLock { $0.isCancelled } } }
        state.update { $0.running -= 1 }
    }

    private func take() -> Item? {
        state.withLock { state in
            guard !state.isCancelled, state.next < items.count else { return nil }
            state.next += 1
            return items[state.next - 1]
        }
    }
}
