import Support

/// The places of one host by object and by specimen. Jobs without an object are not counted: nobody is their rival.
struct Places {
    private var specimens: [String: Int] = [:]
    private var objects: [String: Int] = [:]
    /// Objects and specimens a place had to be taken back from, until when.
    private var capped: [String: Instant] = [:]

    /// Objects a place was taken back from, and the turn behind which they wait since.
    private var yields: [String: UInt64] = [:]

    /// Seconds for which an object or specimen that gave a place back holds half at most, unless it is answered before: as
    /// long as a request may go without a reply.
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

    /// Whether `job` may have no further place because its object or specimen has had `half` for long.
    func isCapped(_ job: Job, at half: Int, _ now: Instant) -> Bool {
        func isFull(_ key: String, _ count: Int) -> Bool { count >= half && capped[key].map { $0 > now } ?? false }
        return isFull(job.specimen, ofSpecimen(job)) || isFull(job.object, ofObject(job))
    }

    /// Keeps what `job` belongs to at half from now on.
    mutating func cap(_ job: Job, _ now: Instant) {
        capped = capped.filter { $0.value > now }
        for key in [job.specimen, job.object] where !key.isEmpty {
            capped[key] = now.advanced(bySeconds: Self.penalty)
        }
    }

    /// When it is the turn of `job`: a place that its object gave back goes to all others before.
    func turn(_ job: Job) -> UInt64 { max(job.turn, yields[job.object] ?? 0) }

    /// The object of `job` waits behind all that have had a turn until now.
    mutating func yield(_ job: Job) { yields[job.object] = job.turn }

    /// A request of the object of `job` was answered: nothing more is held against it.
    mutating func answered(_ job: Job) {
        capped[job.specimen] = nil
        capped[job.object] = nil
        yields[job.object] = nil
    }
}

extension Admission {
    /// Seconds for which a job keeps its place in any case.
    private static let shortestTurn = 1.0

    /// Whether jobs wait at a host that has more than half of its places taken, so that it may be for want of a place.
    var isCrowded: Bool {
        hosts.values.contains { host in
            host.gate.isOpen && host.load.all > perHost.half && !host.queues.allSatisfy(\.isEmpty)
        }
    }

    /// A job that is to give its place back.
    struct Overdue {
        var job: Job
        /// When it has had its turn.
        var due: Instant
        /// Whether its object or specimen has more than half.
        var isOfHog: Bool
    }

    /// The job that is the first to give its place back to one that a reader waits for, now or later.
    ///
    /// A place is taken from an object or a specimen that has more than half of a host's, or, where more than half are held
    /// by jobs that have had no byte, from one of those: images that never answer hold up no others, whatever they belong
    /// to. The oldest half of them goes on, so that a host that is slow is still read.
    ///
    /// - Parameter active: the jobs under way, of all hosts.
    func overdue(_ active: [Job]) -> Overdue? {
        var first: Overdue?
        for (origin, host) in hosts where host.gate.isOpen && host.load.all > perHost.half {
            let turn = max(Self.shortestTurn, 2 * host.replyTime)
            let jobs = active.filter { $0.origin.origin == origin && !$0.object.isEmpty }
            for waiting in starved(host) {
                for (group, isOfHog) in groups(jobs, rivalling: waiting) {
                    for job in excess(group) where frees(job, waiting, host) {
                        guard let leg = job.leg else { continue }
                        let due = leg.started.advanced(bySeconds: turn)
                        let isFirst = first.map { due < $0.due || due == $0.due && isOfHog } ?? true
                        if isFirst { first = Overdue(job: job, due: due, isOfHog: isOfHog) }
                    }
                }
            }
        }
        return first
    }

    /// The first, by object, of the jobs that a reader waits for and that find no place at `host`.
    private func starved(_ host: Host) -> [Job] {
        [Job.Rank.question, .demand].filter { !host.load.admits($0, perHost) }.flatMap { rank in
            host.queues[rank.rawValue].values.compactMap(\.first)
        }
    }

    /// The jobs that may have to give way to `waiting`: those of each other specimen, of each other object, and those of
    /// other objects that have had no byte.
    private func groups(_ jobs: [Job], rivalling waiting: Job) -> [(jobs: [Job], isOfHog: Bool)] {
        let others = jobs.filter { $0.object != waiting.object }
        let specimens = Dictionary(grouping: others.filter { $0.specimen != waiting.specimen }, by: \.specimen)
        let objects = Dictionary(grouping: others, by: \.object)
        let silent = others.filter { $0.leg?.headAt == nil }
        return specimens.values.map { ($0, true) } + objects.values.map { ($0, true) } + [(silent, false)]
    }

    /// What a group has beyond half of a host's places: its youngest jobs, which lose the least.
    private func excess(_ group: [Job]) -> ArraySlice<Job> {
        guard group.count > perHost.half else { return [] }
        return group.sorted { ($0.leg?.started ?? .now) < ($1.leg?.started ?? .now) }.dropFirst(perHost.half)
    }

    /// Whether the place of `job` is one that `waiting` could have.
    private func frees(_ job: Job, _ waiting: Job, _ host: Host) -> Bool {
        var load = host.load
        load.add(-1, of: job.rank)
        return load.admits(waiting.rank, perHost)
    }
}
