import Support

/// Chooses the waiting job that starts next: demand before prefetch, within the window and each host's share.
///
/// Each job under way holds at most one connection. With HTTP/1 it holds exactly one; with HTTP/2 jobs share open
/// connections. libcurl may open as many connections as there are jobs, so it always has one to give. Its connect
/// timeout therefore starts when the job starts. (To libcurl, several origins behind one plain http proxy are one host;
/// there a job may queue.)
///
/// Prefetch may hold only its share of either limit. Neither metadata requests nor contents may hold a limit
/// completely. So an origin that stalls on images still delivers names and sizes, and a crawl over the names leaves
/// room for a reader.
///
/// Within a host, the next job is one whose specimen, and then whose object, has the fewest places. So no specimen and
/// no object gets more than half while others wait. For the same reason a place that is held for long is taken back
/// (`Admission+Fairness`). A busy host gets no request (``BusyGate``).
struct Admission {
    /// A class, like its queues: an access through the dictionary must not copy thousands of jobs.
    final class Host {
        /// By rank, then by object.
        var queues: [[String: JobFIFO]] = Job.Rank.allCases.map { _ in [:] }
        var load = Load()
        var gate = BusyGate()
        var places = Places()
        /// Mean seconds from a request to the head of its reply; a new value weighs 0.2. Waits without a reply do not
        /// count.
        var replyTime = 0.0

        var isIdle: Bool { load.all == 0 && gate.isOpen && queues.allSatisfy(\.isEmpty) }
    }

    /// The largest number of jobs of each rank that may be under way at once.
    struct Limits {
        let all: Int
        /// For metadata requests, and as many for contents.
        let share: Int
        let prefetch: Int

        /// The most places that one object or specimen may hold while others wait.
        var half: Int { max(1, all / 2) }

        init(_ all: Int, _ configuration: TransportConfiguration) {
            self.all = all
            share = all - configuration.reserve(of: all)
            prefetch = min(configuration.prefetchLimit(of: all), max(1, share - 1))
        }
    }

    /// The number of jobs of each rank that are under way.
    struct Load {
        private var counts = Job.Rank.allCases.map { _ in 0 }

        var all: Int { counts.reduce(0, +) }

        mutating func add(_ change: Int, of rank: Job.Rank) { counts[rank.rawValue] += change }

        func admits(_ rank: Job.Rank, _ limits: Limits) -> Bool {
            let metadata = counts[Job.Rank.metadata.rawValue]
            guard all < limits.all else { return false }
            switch rank {
            case .metadata: return metadata < limits.share
            case .demand: return all - metadata < limits.share
            case .prefetch:
                return all - metadata < limits.share && counts[Job.Rank.prefetch.rawValue] < limits.prefetch
            }
        }
    }

    /// A job that could start.
    private struct Candidate {
        /// The places that its specimen and its object hold already, and the start of its wait.
        var order: (specimen: Int, object: Int, turn: UInt64)
        var rank: Job.Rank
        var object: String
    }

    var hosts: [String: Host] = [:]
    var load = Load()
    let window: Limits
    let perHost: Limits
    private var lastTurn: UInt64 = 0

    /// Jobs under way.
    var active: Int { load.all }

    init(_ configuration: TransportConfiguration) {
        window = Limits(configuration.window, configuration)
        perHost = Limits(max(1, configuration.maxConnectionsPerHost), configuration)
    }

    /// Queues `job`. A job that has waited before, or goes on with a try, goes to the front.
    mutating func enqueue(_ job: Job, atFront: Bool = false) {
        job.state = .queued
        if !atFront || job.turn == 0 {
            lastTurn += 1
            job.turn = lastTurn
        }
        let host = host(job.origin.origin)
        let queue = host.queues[job.rank.rawValue][job.object] ?? JobFIFO(job.rank)
        host.queues[job.rank.rawValue][job.object] = queue
        queue.add(job, atFront: atFront)
    }

    /// Takes the next job that may start, and counts it as active. Among the jobs that a reader waits for, the oldest
    /// goes first.
    mutating func next(_ now: Instant = .now) -> Job? {
        for ranks in [[Job.Rank.metadata, .demand], [.prefetch]] {
            var best: (host: Host, candidate: Candidate)?
            for (origin, host) in hosts {
                guard !host.isIdle else {
                    hosts[origin] = nil
                    continue
                }
                for rank in ranks where load.admits(rank, window) {
                    guard let found = candidate(host, rank, now) else { continue }
                    if best.map({ found.order.turn < $0.candidate.order.turn }) ?? true { best = (host, found) }
                }
            }
            guard let best else { continue }
            if let job = best.host.queues[best.candidate.rank.rawValue][best.candidate.object]?.removeFirst() {
                count(job, 1)
                best.host.gate.begin(job.id)
                return job
            }
        }
        return nil
    }

    /// The job of `rank` that `host` would start next.
    private func candidate(_ host: Host, _ rank: Job.Rank, _ now: Instant) -> Candidate? {
        var best: Candidate?
        for (object, queue) in host.queues[rank.rawValue] {
            guard let job = queue.first else {
                host.queues[rank.rawValue][object] = nil
                continue
            }
            guard host.gate.admits(now), host.load.admits(rank, perHost),
                !host.places.isCapped(job, at: perHost.half, now)
            else { continue }
            let order = (host.places.ofSpecimen(job), host.places.ofObject(job), host.places.turn(job))
            if best.map({ order < $0.order }) ?? true { best = Candidate(order: order, rank: rank, object: object) }
        }
        return best
    }

    /// The state of a host; creates it when there is none.
    mutating func host(_ origin: String) -> Host {
        if let host = hosts[origin] { return host }
        let host = Host()
        hosts[origin] = host
        return host
    }

    /// Gives back the place of an active job.
    ///
    /// - Parameter replyTime: seconds until its reply began; nil when there was none.
    mutating func release(_ job: Job, replyTime: Double? = nil) {
        count(job, -1)
        guard let replyTime, let host = hosts[job.origin.origin] else { return }
        host.replyTime = host.replyTime == 0 ? replyTime : 0.8 * host.replyTime + 0.2 * replyTime
        host.places.answered(job)
    }

    private mutating func count(_ job: Job, _ change: Int) {
        load.add(change, of: job.rank)
        let host = host(job.origin.origin)
        host.load.add(change, of: job.rank)
        host.places.add(change, job)
    }

    /// Moves a job to the demand lane, in whatever state it is.
    mutating func promote(_ job: Job) {
        guard job.lane == .prefetch, job.state != .finished else { return }
        if job.state == .active { count(job, -1) }
        job.lane = .demand
        if job.state == .active { count(job, 1) }
        // The entry in the prefetch queue stays there and is dropped later, because its rank no longer matches.
        if job.state == .queued { enqueue(job) }
    }
}
