/// How urgent a piece of work is. A lower lane runs only while no higher lane waits.
package enum Lane: Int, CaseIterable, Sendable {
    /// A reader waits for it.
    case demand
    /// No reader waits yet.
    case prefetch
}

/// A fixed set of named threads that run jobs, demand before prefetch, first in first out within a lane.
package final class WorkerPool: Sendable {
    private struct Queue {
        var lanes: [Deque] = Lane.allCases.map { _ in Deque() }
        var isOpen = true

        mutating func next() -> (@Sendable () -> Void)? {
            for index in lanes.indices {
                if let job = lanes[index].popFirst() { return job }
            }
            return nil
        }
    }

    /// A queue of jobs with amortised constant-time removal at the front.
    private struct Deque {
        private var jobs: [(@Sendable () -> Void)?] = []
        private var head = 0

        mutating func append(_ job: @escaping @Sendable () -> Void) { jobs.append(job) }

        mutating func popFirst() -> (@Sendable () -> Void)? {
            guard head < jobs.count else { return nil }
            let job = jobs[head]
            jobs[head] = nil
            head += 1
            if head > 64, head * 2 > jobs.count {
                jobs.removeFirst(head)
                head = 0
            }
            return job
        }

        var count: Int { jobs.count - head }
    }

    private enum Step {
        case run(@Sendable () -> Void)
        case stop
    }

    private let queue = Monitor(Queue())
    private let threads: Monitor<[NamedThread]>

    /// Starts `count` threads called `name-0`, `name-1`, ...
    ///
    /// - Throws: ``ThreadError`` when one of them cannot be created; then none of them runs.
    package init(name: String, count: Int) throws(ThreadError) {
        threads = Monitor([])
        for index in 0..<max(1, count) {
            do throws(ThreadError) {
                let thread = try NamedThread("\(name)-\(index)") { [queue] in Self.serve(queue) }
                threads.withLock { $0.append(thread) }
            } catch {
                shutdown()
                throw error
            }
        }
    }

    private static func serve(_ queue: Monitor<Queue>) {
        while true {
            let step: Step = queue.wait { state in
                if let job = state.next() { return .run(job) }
                return state.isOpen ? nil : .stop
            }
            switch step {
            case .run(let job): job()
            case .stop: return
            }
        }
    }

    /// Queues `job`. Returns false, without running it, once ``shutdown()`` has begun.
    @discardableResult
    package func submit(_ lane: Lane = .demand, _ job: @escaping @Sendable () -> Void) -> Bool {
        queue.update { state in
            guard state.isOpen else { return false }
            state.lanes[lane.rawValue].append(job)
            return true
        }
    }

    /// The jobs that are queued and have not begun.
    package var backlog: Int { queue.withLock { state in state.lanes.reduce(0) { $0 + $1.count } } }

    /// Runs the queued jobs, then ends and joins the threads. Must not be called from one of them.
    package func shutdown() {
        queue.update { $0.isOpen = false }
        for thread in threads.withLock({ $0 }) { thread.join() }
    }
}
