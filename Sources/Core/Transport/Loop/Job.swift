import Support

typealias Completion = @Sendable (Result<HTTPResponse, TransportError>) -> Void

/// One request from ``Transport/start(_:completion:)`` to its completion. Used on the transport thread only.
final class Job {
    enum State {
        /// In the admission queue.
        case queued
        /// Has an exchange under way.
        case active
        /// Pausing until ``retryAt``.
        case pausing
        /// Completed.
        case finished
    }

    /// The class of a job when places are given out.
    enum Rank: Int, CaseIterable {
        /// A reader waits for names or a size.
        case metadata
        /// A reader waits for bytes.
        case demand
        /// No reader waits yet.
        case prefetch
    }

    /// The part of the body received so far, across tries.
    struct Partial {
        var head: ResponseHead?
        var body: [UInt8] = []
        var received = 0
        /// A strong validator of the received version, when the rest of that version can be asked for.
        var validator: String?
        /// The file's length, when known.
        var total: Int?
        var check = BodyCheck(kind: .any, typeIsKnown: true)
    }

    let id: UInt64
    let request: HTTPRequest
    let begun: Instant
    /// Scheme, host and port of the request's own URL.
    let ownOrigin: URLParts
    var completion: Completion?
    var lane: Lane
    var state = State.queued
    /// Tries begun.
    var attempts = 0
    /// The order in which jobs wait; the lowest goes first. 0 before the first wait.
    var turn: UInt64 = 0
    /// Whether any try has received the head of a reply.
    var hasReplied = false
    /// The URLs of this try; the last is the next to ask.
    var visited: [String]
    /// Scheme, host and port of the next URL to ask.
    var origin: URLParts
    var retryAt: Instant?
    var lastFault: Fault?
    var needsFreshConnection = false
    var partial = Partial()
    var exchange: HTTPExchange?

    /// The narrowest reach that the address of the next URL may have: the reach of the server that redirected there.
    /// See ``RedirectPolicy``.
    var leastReach = Reach.machine

    var url: String { visited.last ?? request.url }
    /// The object of the request and its specimen; "" when the request names none.
    var object: String { request.object }
    let specimen: String
    var rank: Rank { lane == .prefetch ? .prefetch : request.isMetadata ? .metadata : .demand }

    init(id: UInt64, request: HTTPRequest, origin: URLParts, begun: Instant, completion: @escaping Completion) {
        self.id = id
        self.request = request
        ownOrigin = origin
        self.origin = origin
        self.begun = begun
        self.completion = completion
        lane = request.lane
        specimen = String(request.object.prefix { $0 != "/" })
        visited = [request.url]
    }

    /// What the next exchange asks for: the whole request, or the rest of a body that was cut.
    var byteRequest: ByteRequest {
        var byteRequest = ByteRequest()
        guard request.method == .get else { return byteRequest }
        byteRequest.lower = request.range?.lowerBound
        byteRequest.upper = request.range?.upperBound
        byteRequest.validator = request.ifRange
        if partial.received > 0, let validator = partial.validator {
            byteRequest.lower = (request.range?.lowerBound ?? 0) + partial.received
            byteRequest.validator = validator
            byteRequest.isResume = true
            byteRequest.total = partial.total
        }
        return byteRequest
    }

    /// Makes the job ready for another try after `fault`.
    func prepareRetry(after fault: Fault) {
        lastFault = fault
        returnToOwnURL()
        needsFreshConnection = [.stalled, .noReply, .reset, .truncated].contains(fault.kind)
        if fault.voidsBody || partial.validator == nil || !hasRest { partial = Partial() }
    }

    /// Makes the job ready to repeat a try that it gave up for another job.
    func yield() {
        attempts -= 1
        returnToOwnURL()
        if partial.validator == nil || !hasRest { partial = Partial() }
    }

    /// The next exchange asks for the request's own URL.
    private func returnToOwnURL() {
        visited = [request.url]
        origin = ownOrigin
        leastReach = .machine
    }

    /// Whether bytes are left to ask for, as far as the request and the replies tell. No bytes are left when a chunked
    /// body was cut after its last byte. A range without bytes cannot be asked for.
    private var hasRest: Bool {
        let end = [request.range?.upperBound, partial.total].compactMap { $0 }.min()
        return end.map { (request.range?.lowerBound ?? 0) + partial.received < $0 } ?? true
    }
}
