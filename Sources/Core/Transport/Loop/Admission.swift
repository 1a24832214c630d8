import Support

/// Which waiting job starts next: demand before prefetch, within the window and each host's share.
///
/// With HTTP/1 each job under way holds one connection, so libcurl never queues and its connect timeout starts when
/// the job does. Prefetch may hold only its share of either limit.
struct Admission {
    /// A class, like its queues: an access through the dictionary must not copy thousands of jobs.
    private final class Host {
        let queues = Lane.allCases.map { _ in JobFIFO() }
        var active = 0
        var activePrefetch = 0
    }

    private var hosts: [String: Host] = [:]
    private(set) var active = 0
    private var activePrefetch = 0
    private let window: Int
    private let perHost: Int
    private let prefetchWindow: Int
    private let prefetchPerHost: Int

    init(_ configuration: TransportConfiguration) {
        window = configuration.window
        perHost = max(1, configuration.maxConnectionsPerHost)
        prefetchWindow = configuration.prefetchLimit(of: window)
        prefetchPerHost = configuration.prefetchLimit(of: perHost)
    }

    /// Queues `job`; at the front when it goes on with a try or with work that has waited before.
    mutating func enqueue(_ job: Job, atFront: Bool = false) {
        job.state = .queued
        host(job.origin.origin).queues[job.lane.rawValue].add(job, atFront: atFront)
    }

    /// Takes the next job that may start, and counts it as active.
    mutating func next() -> Job? {
        for lane in Lane.allCases {
            guard active < window, lane == .demand || activePrefetch < prefetchWindow else { return nil }
            var best: (origin: String, id: UInt64)?
            for origin in Array(hosts.keys) {
                guard let id = candidate(origin, lane) else { continue }
                if best.map({ id < $0.id }) ?? true { best = (origin, id) }
            }
            if let best, let job = hosts[best.origin]?.queues[lane.rawValue].removeFirst() {
                count(job, 1)
                return job
            }
        }
        return nil
    }

    /// The id of the job that `lane` of `origin` could start.
    private mutating func candidate(_ origin: String, _ lane: Lane) -> UInt64? {
        guard let host = hosts[origin] else { return nil }
        let id = host.queues[lane.rawValue].first(in: lane)?.id
        if host.active == 0, host.queues.allSatisfy(\.isEmpty) {
            hosts[origin] = nil
            return nil
        }
        guard host.active < perHost, lane == .demand || host.activePrefetch < prefetchPerHost else { return nil }
        return id
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
        let prefetch = job.lane == .prefetch ? change : 0
        active += change
        activePrefetch += prefetch
        let host = self.host(job.origin.origin)
        host.active += change
        host.activePrefetch += prefetch
    }

    /// Moves a job to the demand lane, whatever it is doing.
    mutating func promote(_ job: Job) {
        guard job.lane == .prefetch, job.state != .finished else { return }
        if job.state == .active { count(job, -1) }
        job.lane = .demand
        if job.state == .active { count(job, 1) }
        // The entry left in the prefetch queue is dropped when it comes up: its lane no longer fits.
        if job.state == .queued { enqueue(job) }
    }
}

/// A queue of jobs with amortised constant-time removal at the front.
private final class JobFIFO {
    private var jobs: [Job?] = []
    private var head = 0

    var isEmpty: Bool { head == jobs.count }

    func add(_ job: Job, atFront: Bool) {
        if !atFront {
            jobs.append(job)
        } else if head > 0 {
            head -= 1
            jobs[head] = job
        } else {
            jobs.insert(job, at: 0)
        }
    }

    /// The first job that still waits in `lane`; cancelled and promoted ones before it are dropped.
    func first(in lane: Lane) -> Job? {
        while head < jobs.count {
            if let job = jobs[head], job.state == .queued, job.lane == lane { return job }
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
}
