internal import Specimens
internal import Support

/// The threads that read a folder. They are its own: a dead file server holds up no other source.
///
/// A read that the file system does not answer is given up at its deadline, although its thread goes on waiting. While all
/// threads wait like that, further reads fail at once.
final class FolderReads: Sendable {
    /// Enough to keep a disk busy, and few enough to do no harm while they wait for a dead server.
    static let threadCount = 4
    /// Seconds that the end of the mount waits for reads under way.
    private static let patience = 1.0

    /// A read that is not answered.
    private struct Job {
        let deadline: Instant
        let run: @Sendable () -> Void
        let end: @Sendable (SourceError) -> Void
    }

    private struct State {
        /// Every read that is not answered.
        var jobs: [UInt64: Job] = [:]
        /// Those that no thread has begun, in the order of each lane.
        var queues: [[UInt64]] = Lane.allCases.map { _ in [] }
        /// Those that a thread runs, each with its deadline.
        var running: [UInt64: Instant] = [:]
        var last: UInt64 = 0
        var isOpen = true

        /// Whether all threads wait for reads that were given up at their deadline.
        var isStuck: Bool {
            let now = Instant.now
            return running.values.count { $0 <= now } >= threadCount
        }
        var earliest: Instant? { jobs.values.lazy.map(\.deadline).min() }

        mutating func begin() -> (number: UInt64, job: Job)? {
            for lane in queues.indices {
                while !queues[lane].isEmpty {
                    let number = queues[lane].removeFirst()
                    guard let job = jobs[number] else { continue }
                    running[number] = job.deadline
                    return (number, job)
                }
            }
            return nil
        }

        /// Removes the reads whose deadline has passed.
        mutating func expired(at now: Instant) -> [Job] {
            let numbers = jobs.filter { $0.value.deadline <= now }.keys
            return numbers.compactMap { jobs.removeValue(forKey: $0) }
        }
    }

    private let path: String
    private let state = Monitor(State())
    private let threads = Monitor<[NamedThread]>([])

    /// - Parameter path: the folder, for messages.
    init(path: String) throws(ThreadError) {
        self.path = path
        do throws(ThreadError) {
            for index in 0..<Self.threadCount {
                let thread = try NamedThread("folder-\(index)") { [state] in Self.serve(state) }
                threads.withLock { $0.append(thread) }
            }
            let clock = try NamedThread("folder-clock") { [state] in Self.watch(state) }
            threads.withLock { $0.append(clock) }
        } catch {
            shutDown()
            throw error
        }
    }

    private static func serve(_ state: Monitor<State>) {
        while true {
            let next = state.wait { state -> (number: UInt64, job: Job)?? in
                if let next = state.begin() { return next }
                return state.isOpen ? nil : .some(nil)
            }
            guard let (number, job) = next else { return }
            job.run()
            state.update { $0.running[number] = nil }
        }
    }

    /// Answers reads whose deadline has passed.
    private static func watch(_ state: Monitor<State>) {
        while true {
            let now = Instant.now
            let (expired, next, isOpen) = state.withLock { ($0.expired(at: now), $0.earliest, $0.isOpen) }
            for job in expired {
                job.end(SourceError(.deadlineExceeded, "the file system did not answer in time"))
            }
            guard isOpen else { return }
            _ = state.wait(until: next ?? .now.advanced(bySeconds: 3600)) { state -> Void? in
                !state.isOpen || state.earliest != next ? () : nil
            }
        }
    }

    /// Runs `body` on one of the threads.
    ///
    /// - Parameters:
    ///   - deadline: when the read is answered with ``SourceError/Kind/deadlineExceeded`` at the latest.
    ///   - requestID: the read that it is for, in the log.
    ///   - body: reads on the thread that calls it. It may leave work without I/O to other threads, whose promise it returns.
    ///     Its token is cancelled when the read is answered without it.
    /// - Returns: the answer, on any thread, and the right to give the read up.
    func run<Value: Sendable>(
        _ lane: Lane, by deadline: Instant, requestID: UInt64 = 0,
        body: @escaping @Sendable (CancellationToken) -> Promise<Value, SourceError>
    ) -> (answer: Promise<Value, SourceError>, exchange: FolderExchange) {
        let (promise, resolver) = Promise<Value, SourceError>.pending()
        let token = CancellationToken(requestID: requestID, lane: lane)
        let job = Job(deadline: deadline) {
            body(token).whenDone {
                resolver.resolve($0)
                token.finish()
            }
        } end: { error in
            if resolver.resolve(.failure(error)) { token.cancel() }
        }
        let (number, refusal) = enter(job, lane)
        promise.whenDone { [state] _ in state.update { _ = $0.jobs.removeValue(forKey: number) } }
        if let refusal { job.end(refusal) }
        return (promise, FolderExchange(reads: self, number: number, end: job.end))
    }

    private func enter(_ job: Job, _ lane: Lane) -> (UInt64, refusal: SourceError?) {
        state.update { state in
            state.last += 1
            guard state.isOpen else { return (state.last, .shutDown) }
            if state.isStuck {
                return (state.last, SourceError(.outage(stuckOutage), "\(path): \(Self.stuckCause)"))
            }
            state.jobs[state.last] = job
            state.queues[lane.rawValue].append(state.last)
            return (state.last, nil)
        }
    }

    private static let stuckCause = "\(threadCount) reads there have not ended"
    private var stuckOutage: Outage { .unreachable(host: path, cause: Self.stuckCause) }

    /// Why no read is made now; nil when one may be.
    var outage: Outage? { state.withLock { $0.isStuck } ? stuckOutage : nil }

    /// Moves a read that waits for a thread before all prefetches.
    fileprivate func promote(_ number: UInt64) {
        state.withLock { state in
            let queue = Lane.prefetch.rawValue
            guard let place = state.queues[queue].firstIndex(of: number) else { return }
            state.queues[queue].remove(at: place)
            state.queues[Lane.demand.rawValue].append(number)
        }
    }

    /// Answers all reads with ``SourceError/Kind/shutDown`` and ends the threads, but for those that the file system holds:
    /// they end by themselves when it answers.
    func shutDown() {
        let jobs = state.update { state in
            state.isOpen = false
            defer { state.jobs = [:] }
            return Array(state.jobs.values)
        }
        for job in jobs { job.end(.shutDown) }
        let limit = Instant.now.advanced(bySeconds: Self.patience)
        let isIdle = state.wait(until: limit) { state -> Void? in state.running.isEmpty ? () : nil } != nil
        let threads = threads.withLock { threads in
            defer { threads = [] }
            return threads
        }
        if isIdle { for thread in threads { thread.join() } }
    }
}

/// A read under way.
struct FolderExchange: BlockExchange {
    fileprivate let reads: FolderReads
    fileprivate let number: UInt64
    fileprivate let end: @Sendable (SourceError) -> Void

    func cancel() { end(.cancelled) }
    func promote() { reads.promote(number) }
}

extension Promise {
    /// The same result on one of `workers`; `ended` where they have ended.
    func resolved(on workers: WorkerPool, ended: Failure) -> Promise {
        let (promise, resolver) = Promise.pending()
        whenDone { result in
            let isQueued = workers.submit { resolver.resolve(result) }
            if !isQueued { resolver.resolve(.failure(ended)) }
        }
        return promise
    }
}
