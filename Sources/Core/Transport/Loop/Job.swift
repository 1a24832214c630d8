import Support

typealias Completion = @Sendable (Result<HTTPResponse, TransportError>) -> Void

/// One request from ``Transport/start(_:completion:)`` to its completion. Used on the transport thread only.
final class Job {
    enum State {
        /// In the admission queue.
        case queued
        /// Has a leg under way.
        case active
        /// Pausing until ``retryAt``.
        case pausing
        /// Completed.
        case finished
    }

    /// What a job counts as when places are given out.
    enum Rank: Int, CaseIterable {
        /// A reader waits for names or a size.
        case question
        /// A reader waits for bytes.
        case demand
        /// Nobody waits yet.
        case prefetch
    }

    /// What has been received of the body, across tries.
    struct Partial {
        var head: ResponseHead?
        var body: [UInt8] = []
        var received = 0
        /// A strong validator of the version received, when its rest can be asked for.
        var validator: String?
        /// The file's length, when known.
        var total: Int?
        var check = BodyCheck(kind: .any, typeIsKnown: true)
    }

    let id: UInt64
    let request: HTTPRequest
    let begun: Instant
    /// Scheme, host and port of the request's own URL.
    let home: URLParts
    var completion: Completion?
    var lane: Lane
    var state = State.queued
    /// Tries begun.
    var attempts = 0
    /// The order in which jobs wait: the lower, the earlier. 0 before the first wait.
    var turn: UInt64 = 0
    /// Whether the head of any reply has come, in whatever try.
    var hasReplied = false
    /// The URLs of this try; the last is the next to ask.
    var visited: [String]
    /// Scheme, host and port of the next URL to ask.
    var origin: URLParts
    var retryAt: Instant?
    var lastFault: Fault?
    var needsFreshConnection = false
    var partial = Partial()
    var leg: Leg?

    /// The narrowest reach that the address of the next URL may have: of the server that led there. See ``RedirectPolicy``.
    var leastReach = Reach.machine

    var url: String { visited.last ?? request.url }
    /// What the request is for, and the specimen that it belongs to; "" where it is for neither.
    var object: String { request.object }
    let specimen: String
    var rank: Rank { lane == .prefetch ? .prefetch : request.isQuestion ? .question : .demand }

    init(id: UInt64, request: HTTPRequest, origin: URLParts, begun: Instant, completion: @escaping Completion) {
        self.id = id
        self.request = request
        home = origin
        self.origin = origin
        self.begun = begun
        self.completion = completion
        lane = request.lane
        specimen = String(request.object.prefix { $0 != "/" })
        visited = [request.url]
    }

    /// What the next exchange asks for: the request, or the rest of a body that was cut.
    var ask: Ask {
        var ask = Ask()
        guard request.method == .get else { return ask }
        ask.lower = request.range?.lowerBound
        ask.upper = request.range?.upperBound
        ask.validator = request.ifRange
        if partial.received > 0, let validator = partial.validator {
            ask.lower = (request.range?.lowerBound ?? 0) + partial.received
            ask.validator = validator
            ask.isResume = true
            ask.total = partial.total
        }
        return ask
    }

    /// Makes the job ready for another try after `fault`.
    func prepareRetry(after fault: Fault) {
        lastFault = fault
        goHome()
        needsFreshConnection = [.stalled, .noReply, .reset, .truncated].contains(fault.kind)
        if fault.voidsBody || partial.validator == nil || !hasRest { partial = Partial() }
    }

    /// Makes the job ready to do its try again, which it gave up for another job.
    func yield() {
        attempts -= 1
        goHome()
        if partial.validator == nil || !hasRest { partial = Partial() }
    }

    /// The next exchange asks for the request's own URL.
    private func goHome() {
        visited = [request.url]
        origin = home
        leastReach = .machine
    }

    /// Whether bytes are left to ask for, as far as the request and the replies tell. None are when a chunked body was
    /// cut behind its last byte: a range without bytes cannot be asked for.
    private var hasRest: Bool {
        let end = [request.range?.upperBound, partial.total].compactMap { $0 }.min()
        return end.map { (request.range?.lowerBound ?? 0) + partial.received < $0 } ?? true
    }
}
