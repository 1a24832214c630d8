import Support

/// The places of one host, counted by object and by specimen. A place is the right to have one request under way. Jobs
/// without an object are not counted, because no other job competes with them.
struct Places {
    private var specimens: [String: Int] = [:]
    private var objects: [String: Int] = [:]
    /// Objects and specimens that had to give a place back, with the end of their limit.
    private var capped: [String: Instant] = [:]

    /// Objects that had to give a place back, each with the turn that it now waits behind.
    private var yields: [String: UInt64] = [:]

    /// Seconds for which an object or specimen that gave a place back may hold half of the places at most. A reply ends
    /// the limit earlier. A request may go without a reply for as long.
    private static let penalty = 30.0

    func ofSpecimen(_ job: Job) -> Int { specimens[job.specimen] ?? 0 }
    func ofObject(_ job: Job) -> Int { objects[job.object] ?? 0 }

    mutating func add(_ change: Int, _ job: Job) {
        guard !job.object.isEmpty else { return }
        Self.add(change, job.object, to: &objects)
        Self.add(change, job.specimen, to: &specimens)
    }

    private static func add(_ change: Int, _ key: String, to counts: inout [String: Int]) {
        let count = (counts[key] ?? 0) + change
        counts[key] = count > 0 ? count : nil
    }

    /// Whether `job` may have no further place because its object or specimen has reached its limit of `half`.
    func isCapped(_ job: Job, at half: Int, _ now: Instant) -> Bool {
        func isFull(_ key: String, _ count: Int) -> Bool { count >= half && capped[key].map { $0 > now } ?? false }
        return isFull(job.specimen, ofSpecimen(job)) || isFull(job.object, ofObject(job))
    }

    /// Limits the object and the specimen of `job` to half of the places from now on.
    mutating func cap(_ job: Job, _ now: Instant) {
        capped = capped.filter { $0.value > now }
        for key in [job.specimen, job.object] where !key.isEmpty {
            capped[key] = now.advanced(bySeconds: Self.penalty)
        }
    }

    /// When it is the turn of `job`. A place that its object gave back goes to all other objects first.
    func turn(_ job: Job) -> UInt64 { max(job.turn, yields[job.object] ?? 0) }

    /// Puts the object of `job` behind all jobs that have had a turn until now.
    mutating func yield(_ job: Job) { yields[job.object] = job.turn }

    /// A request for the object of `job` was answered, which ends every limit of the object and its specimen.
    mutating func answered(_ job: Job) {
        capped[job.specimen] = nil
        capped[job.object] = nil
        yields[job.object] = nil
    }
}

extension Admission {
    /// The shortest time in seconds that a job keeps its place.
    private static let shortestTurn = 1.0

    /// Whether jobs wait at a host that has more than half of its places taken. Only such jobs may be waiting for a
    /// place.
    var isCrowded: Bool {
        hosts.values.contains { host in
            host.gate.isOpen && host.load.all > perHost.half && !host.queues.allSatisfy(\.isEmpty)
        }
    }

    /// A job that is to give its place back.
    struct Overdue {
        var job: Job
        /// When the job has had its turn.
        var due: Instant
        /// Whether its object or specimen holds more than half of the places.
        var exceedsHalf: Bool
    }

    /// The job that is first to give its place back to a job that a reader waits for, now or later.
    ///
    /// An object or a specimen gives a place back when it holds more than half of a host's places. Where jobs without a
    /// single byte hold more than half, one of those gives its place back. So images that never answer do not stop
    /// other requests, whatever object they belong to. The oldest half of such jobs goes on, so that a slow host is
    /// still read.
    ///
    /// - Parameter active: the jobs under way, of all hosts.
    func overdue(_ active: [Job]) -> Overdue? {
        var first: Overdue?
        for (origin, host) in hosts where host.gate.isOpen && host.load.all > perHost.half {
            let turn = max(Self.shortestTurn, 2 * host.replyTime)
            let jobs = active.filter { $0.origin.origin == origin && !$0.object.isEmpty }
            for waiting in starved(host) {
                for (group, exceedsHalf) in groups(jobs, rivalling: waiting) {
                    for job in excess(group) where frees(job, waiting, host) {
                        guard let exchange = job.exchange else { continue }
                        let due = exchange.started.advanced(bySeconds: turn)
                        let isFirst = first.map { due < $0.due || due == $0.due && exceedsHalf } ?? true
                        if isFirst { first = Overdue(job: job, due: due, exceedsHalf: exceedsHalf) }
                    }
                }
            }
        }
        return first
    }

    /// The first job of each object that a reader waits for and that finds no place at `host`.
    private func starved(_ host: Host) -> [Job] {
        [Job.Rank.metadata, .demand].filter { !host.load.admits($0, perHost) }.flatMap { rank in
            host.queues[rank.rawValue].values.compactMap(\.first)
        }
    }

    /// The jobs that may have to give a place to `waiting`: one group for each other specimen, one for each other
    /// object, one of other objects' jobs without a byte.
    private func groups(_ jobs: [Job], rivalling waiting: Job) -> [(jobs: [Job], exceedsHalf: Bool)] {
        let others = jobs.filter { $0.object != waiting.object }
        let specimens = Dictionary(grouping: others.filter { $0.specimen != waiting.specimen }, by: \.specimen)
        let objects = Dictionary(grouping: others, by: \.object)
        let silent = others.filter { $0.exchange?.headAt == nil }
        return specimens.values.map { ($0, true) } + objects.values.map { ($0, true) } + [(silent, false)]
    }

    /// The jobs of a group beyond half of a host's places: the youngest ones, which lose the least work.
    private func excess(_ group: [Job]) -> ArraySlice<Job> {
        guard group.count > perHost.half else { return [] }
        return group.sorted { ($0.exchange?.started ?? .now) < ($1.exchange?.started ?? .now) }.dropFirst(perHost.half)
    }

    /// Whether `waiting` could take the place of `job`.
    private func frees(_ job: Job, _ waiting: Job, _ host: Host) -> Bool {
        var load = host.load
        load.add(-1, of: job.rank)
        return load.admits(waiting.rank, perHost)
    }
}
