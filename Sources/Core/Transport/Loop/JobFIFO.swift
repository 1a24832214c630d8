/// A queue of the jobs of one rank. Adding, and removing at the front, take amortised constant time.
///
/// A job that is cancelled or promoted leaves its entry in the queue. An entry at the front is dropped when its turn
/// comes. The entries behind a job that waits long are removed each time the queue has doubled.
final class JobFIFO {
    /// The number of entries up to which a removal is not worth its time.
    private static let slack = 256

    private let rank: Job.Rank
    private var jobs: [Job?] = []
    private var head = 0
    private var sweepAt = JobFIFO.slack

    var isEmpty: Bool { head == jobs.count }

    init(_ rank: Job.Rank) { self.rank = rank }

    func add(_ job: Job, atFront: Bool) {
        if jobs.count - head >= sweepAt { sweep() }
        if !atFront {
            jobs.append(job)
        } else if head > 0 {
            head -= 1
            jobs[head] = job
        } else {
            jobs.insert(job, at: 0)
        }
    }

    /// The first job that still waits with this rank. Reading it drops the entries before that job.
    var first: Job? {
        while head < jobs.count {
            if let job = jobs[head], waits(job) { return job }
            _ = removeFirst()
        }
        return nil
    }

    func removeFirst() -> Job? {
        guard head < jobs.count else { return nil }
        let job = jobs[head]
        jobs[head] = nil
        head += 1
        if head == jobs.count || (head > 64 && head * 2 > jobs.count) {
            jobs.removeFirst(head)
            head = 0
        }
        return job
    }

    private func waits(_ job: Job) -> Bool { job.state == .queued && job.rank == rank }

    private func sweep() {
        jobs = jobs[head...].filter { $0.map(waits) ?? false }
        head = 0
        sweepAt = 2 * jobs.count + Self.slack
    }
}
