import Support

/// Which waiting job starts next: demand before prefetch, within the window and each host's share.
///
/// Each job under way holds at most one connection: with HTTP/1 exactly one, with HTTP/2 jobs share those that stand. So
/// libcurl, which may open as many as there are jobs, always has one to give, and its connect timeout starts when the
/// job does. (Several origins behind one proxy by plain http are one host to libcurl; there it may queue.)
///
/// Prefetch may hold only its share of either limit, and neither questions nor contents may hold all of it: an origin that
/// stalls on images still tells names and sizes, and a crawl over the names leaves room for a reader.
struct Admission {
    /// A class, like its queues: an access through the dictionary must not copy thousands of jobs.
    private final class Host {
        let queues = Job.Rank.allCases.map { JobFIFO($0) }
        var load = Load()
    }

    /// How many jobs of each rank may be under way at once.
    private struct Limits {
        let all: Int
        /// Of questions, and as many of contents.
        let share: Int
        let prefetch: Int

        init(_ all: Int, _ configuration: TransportConfiguration) {
            self.all = all
            share = all - configuration.reserve(of: all)
            prefetch = min(configuration.prefetchLimit(of: all), max(1, share - 1))
        }
    }

    /// How many are.
    private struct Load {
        private var counts = Job.Rank.allCases.map { _ in 0 }

        var all: Int { counts.reduce(0, +) }

        mutating func add(_ change: Int, of rank: Job.Rank) { counts[rank.rawValue] += change }

        func admits(_ rank: Job.Rank, _ limits: Limits) -> Bool {
            let questions = counts[Job.Rank.question.rawValue]
            guard all < limits.all else { return false }
            switch rank {
            case .question: return questions < limits.share
            case .demand: return all - questions < limits.share
            case .prefetch:
                return all - questions < limits.share && counts[Job.Rank.prefetch.rawValue] < limits.prefetch
            }
        }
    }

    private var hosts: [String: Host] = [:]
    private var load = Load()
    private let window: Limits
    private let perHost: Limits

    /// Jobs under way.
    var active: Int { load.all }

    init(_ configuration: TransportConfiguration) {
        window = Limits(configuration.window, configuration)
        perHost = Limits(max(1, configuration.maxConnectionsPerHost), configuration)
    }

    /// Queues `job`; at the front when it goes on with a try or with work that has waited before.
    mutating func enqueue(_ job: Job, atFront: Bool = false) {
        job.state = .queued
        host(job.origin.origin).queues[job.rank.rawValue].add(job, atFront: atFront)
    }

    /// Takes the next job that may start, and counts it as active: of those a reader waits for, the first to come.
    mutating func next() -> Job? {
        for ranks in [[Job.Rank.question, .demand], [.prefetch]] {
            var best: (origin: String, rank: Job.Rank, id: UInt64)?
            for origin in Array(hosts.keys) {
                for rank in ranks {
                    guard load.admits(rank, window), let id = candidate(origin, rank) else { continue }
                    if best.map({ id < $0.id }) ?? true { best = (origin, rank, id) }
                }
            }
            if let best, let job = hosts[best.origin]?.queues[best.rank.rawValue].removeFirst() {
                count(job, 1)
                return job
            }
        }
        return nil
    }

    /// The id of the job of `rank` that `origin` could start.
    private mutating func candidate(_ origin: String, _ rank: Job.Rank) -> UInt64? {
        guard let host = hosts[origin] else { return nil }
        let id = host.queues[rank.rawValue].first?.id
        if host.load.all == 0, host.queues.allSatisfy(\.isEmpty) {
            hosts[origin] = nil
            return nil
        }
        return host.load.admits(rank, perHost) ? id : nil
    }

    private mutating func host(_ origin: String) -> Host {
        if let host = hosts[origin] { return host }
        let host = Host()
        hosts[origin] = host
        return host
    }

    /// Gives back the place of a job that was active.
    mutating func release(_ job: Job) { count(job, -1) }

    private mutating func count(_ job: Job, _ change: Int) {
        load.add(change, of: job.rank)
        host(job.origin.origin).load.add(change, of: job.rank)
    }

    /// Moves a job to the demand lane, whatever it is doing.
    mutating func promote(_ job: Job) {
        guard job.lane == .prefetch, job.state != .finished else { return }
        if job.state == .active { count(job, -1) }
        job.lane = .demand
        if job.state == .active { count(job, 1) }
        // The entry left in the prefetch queue is dropped there: its rank no longer fits.
        if job.state == .queued { enqueue(job) }
    }
}
