import CCurl
import Logging
import Support

/// One HTTP exchange. A try is one exchange, or several when redirects are followed.
///
/// libcurl calls ``takeHeader(_:)`` and ``takeBody(_:)`` during `curl_multi_perform`. They record and judge, and abort
/// the exchange by returning false. Everything else happens after the exchange has ended.
final class HTTPExchange {
    enum Outcome {
        case done
        case redirect(String)
        case failed(Fault)
    }

    /// Bytes of an error page that are read to keep its connection open.
    private static let drainLimit = 64 << 10
    /// Limits the memory reserved for a body: a false Content-Length must not reserve memory that never fills.
    private static let reserveLimit = 16 << 20

    let job: Job
    let easy: EasyHandle
    let byteRequest: ByteRequest
    let started: Instant
    private let configuration: TransportConfiguration
    private let received: Counter
    private var parser: HeadParser
    /// Whether a proxy makes the connection to the origin. Then the connected address tells nothing about the origin.
    let isProxied: Bool
    /// The reach of the connected origin.
    private(set) var reach: Reach
    private var verdict: Verdict?
    private var fault: Fault?
    private var hasBegun = false
    private var got = 0
    /// When the head was complete.
    private(set) var headAt: Instant?
    private var lastByteAt: Instant
    private var windowBegan: Instant
    private var windowBytes = 0

    /// - Parameter isProxied: see ``isProxied``.
    init(
        _ job: Job, _ easy: EasyHandle, _ configuration: TransportConfiguration, isProxied: Bool, received: Counter,
        now: Instant
    ) {
        self.job = job
        self.isProxied = isProxied
        reach = Reach(host: job.origin.host) ?? .world
        self.easy = easy
        self.configuration = configuration
        self.received = received
        byteRequest = job.byteRequest
        started = now
        lastByteAt = now
        windowBegan = now
        parser = HeadParser(url: job.url, limit: configuration.maximumHeaderBytes)
    }

    // MARK: During the exchange

    /// Judges the address before a connection to it is opened or used again; false aborts.
    func mayConnect(to address: String) -> Bool {
        guard !isProxied else { return true }
        reach = configuration.reachOfAddress(address)
        guard reach < job.leastReach else {
            // libcurl may have tried another address of the same name, which was refused.
            if fault?.kind == .redirectRefused { fault = nil }
            return true
        }
        fault = Fault(
            .redirectRefused,
            RedirectPolicy.refusal(of: "\(job.origin.host), \(address)", reach, from: job.leastReach))
        return false
    }

    /// Takes one header line; false aborts.
    func takeHeader(_ line: UnsafeRawBufferPointer) -> Bool {
        guard unsafe parser.take(line) else {
            fault = Fault(.badShape, "more than \(configuration.maximumHeaderBytes) bytes of headers")
            return false
        }
        guard headAt == nil, let head = parser.head else { return true }
        let now = Instant.now
        headAt = now
        lastByteAt = now
        windowBegan = now
        let verdict = ReplyJudge(request: job.request, byteRequest: byteRequest, now: wallClockSeconds()).judge(head)
        self.verdict = verdict
        if case .abort = verdict { return false }
        return true
    }

    /// Takes the next bytes of the body; false aborts.
    func takeBody(_ bytes: UnsafeRawBufferPointer) -> Bool {
        lastByteAt = Instant.now
        windowBytes += bytes.count
        received.add(bytes.count)
        got += bytes.count
        guard case .deliver(_, let length) = verdict else { return got <= Self.drainLimit }
        guard begin() else { return false }
        if let length, got > length {
            fault = Fault(.wrongLength, "more than the \(length) bytes announced")
        } else if job.partial.received + bytes.count > job.request.maximumBody {
            fault = Fault(.tooLarge, "the body exceeds the limit of \(job.request.maximumBody) bytes")
            fault?.limit = job.request.maximumBody
        } else {
            fault = unsafe job.partial.check.take(bytes)
        }
        guard fault == nil else { return false }
        job.partial.received += bytes.count
        guard let sink = job.request.sink else {
            unsafe job.partial.body.append(contentsOf: bytes)
            return true
        }
        if !(unsafe sink.receive(bytes)) { fault = Fault(.refusedBySink, "the receiver refused the body") }
        return fault == nil
    }

    /// Prepares for the first byte of a body that has passed every check so far.
    private func begin() -> Bool {
        guard !hasBegun, let head = parser.head, case .deliver(let restarts, let length) = verdict else { return true }
        hasBegun = true
        if byteRequest.isResume && !restarts { return true }
        let request = job.request
        var partial = Job.Partial()
        partial.head = head
        partial.total = head.status == 206 ? head.contentRange?.total : length
        let isWholeForRange = request.range != nil && head.status == 200
        if !isWholeForRange { partial.validator = Self.resumeValidator(head) }
        // The first and last bytes of a part tell nothing about the shape of the file.
        let kind: BodyKind = request.range == nil || request.expects == .bytes ? request.expects : .any
        partial.check = BodyCheck(kind: kind, typeIsKnown: head.contentType != nil)
        if request.sink == nil, let length {
            partial.body.reserveCapacity(min(length, request.maximumBody, Self.reserveLimit))
        }
        job.partial = partial
        if let sink = request.sink, !sink.begin(head) {
            fault = Fault(.refusedBySink, "the receiver refused the reply")
        }
        return fault == nil
    }

    /// A validator that is strong enough to ask for the rest of this version (RFC 9110, 13.1.5 and 8.8.2.2).
    private static func resumeValidator(_ head: ResponseHead) -> String? {
        let acceptsRanges = head.headers["accept-ranges"].map { $0.lowercased().contains("bytes") } ?? false
        guard head.status == 206 || acceptsRanges, !head.isEncoded else { return nil }
        if let etag = head.etag { return etag.hasPrefix("\"") && etag.count > 2 ? etag : nil }
        guard let modified = head.lastModified, let modifiedAt = HTTPDate.parse(modified),
            let sentAt = head.headers["date"].flatMap(HTTPDate.parse), sentAt > modifiedAt
        else { return nil }
        return modified
    }

    // MARK: Time

    /// The fault of an exchange that has become too slow.
    func timeFault(_ now: Instant) -> Fault? {
        guard headAt != nil else {
            guard now >= started.advanced(bySeconds: configuration.firstByteTimeout) else { return nil }
            return Fault(.noReply, "no reply within \(Self.seconds(configuration.firstByteTimeout))")
        }
        if now >= lastByteAt.advanced(bySeconds: configuration.stallTimeout) {
            return Fault(.stalled, "no byte for \(Self.seconds(configuration.stallTimeout))")
        }
        guard now >= windowBegan.advanced(bySeconds: configuration.stallTimeout) else { return nil }
        let count = windowBytes
        windowBegan = now
        windowBytes = 0
        guard Double(count) < configuration.minimumRate * configuration.stallTimeout else { return nil }
        return Fault(.stalled, "only \(count) bytes in \(Self.seconds(configuration.stallTimeout))")
    }

    /// Whether this exchange, given up now, was silent so long that its connection becomes doubtful. The limit is the
    /// connect timeout, or half of the time that the request had, whichever is shorter. A request that is given up
    /// sooner tells nothing about the connection.
    func wasSilent(_ now: Instant) -> Bool {
        var bound = configuration.connectTimeout
        if let deadline = job.request.deadline { bound = min(bound, deadline.seconds(since: job.begun) / 2) }
        return now.seconds(since: lastByteAt) >= bound
    }

    /// When ``timeFault(_:)`` must be called next.
    var nextCheck: Instant {
        guard headAt != nil else { return started.advanced(bySeconds: configuration.firstByteTimeout) }
        return min(lastByteAt, windowBegan).advanced(bySeconds: configuration.stallTimeout)
    }

    /// "20 s", "0.5 s".
    static func seconds(_ value: Double) -> String {
        value == value.rounded() && abs(value) < 1e9 ? "\(Int(value)) s" : "\(value) s"
    }

    // MARK: Afterwards

    /// The fault to report when `fault` stops the exchange: a fault that the head has already proved comes first.
    func reason(stoppedBy fault: Fault) -> Fault {
        if case .drain(let proved) = verdict { return proved }
        return fault
    }

    /// The log fields of the ended exchange.
    ///
    /// - Parameter version: the HTTP version that was used.
    func trace(_ version: String) -> Logger.Metadata {
        let seconds = Instant.now.seconds(since: started)
        let status = parser.head?.status ?? 0
        return ["http": "\(version)", "status": "\(status)", "bytes": "\(got)", "seconds": "\(seconds)"]
    }

    /// Judges the ended exchange.
    func outcome(_ code: CURLcode) -> Outcome {
        if let fault { return .failed(fault) }
        switch verdict {
        case .drain(let fault), .abort(let fault):
            return .failed(fault)
        case .redirect:
            guard let target = easy.string(CURLINFO_REDIRECT_URL) else {
                // libcurl names the target only when the exchange has ended well, so the body of this redirect was cut.
                if code != CURLE_OK { return .failed(CurlFault.inBody(code, easy.errorText, got: got, of: nil)) }
                return .failed(Fault(.redirectRefused, "redirect without a usable target"))
            }
            return .redirect(target)
        case .deliver(_, let length):
            if code != CURLE_OK { return .failed(CurlFault.inBody(code, easy.errorText, got: got, of: length)) }
            return completed(length)
        case nil:
            if code == CURLE_OK { return .failed(Fault(.badShape, "a reply without a status")) }
            return .failed(CurlFault.beforeHead(code, easy.errorText, configuration))
        }
    }

    private func completed(_ length: Int?) -> Outcome {
        guard begin() else { return fault.map { .failed($0) } ?? .done }
        let request = job.request
        if request.method == .head { return .done }
        if let length, got != length {
            return .failed(Fault(.truncated, "the body ended after \(got) of \(length) bytes"))
        }
        let isWholeForRange = request.range != nil && job.partial.head?.status == 200
        if let expected = request.expectedLength, !isWholeForRange, job.partial.received != expected {
            return .failed(Fault(.wrongLength, "\(job.partial.received) bytes in place of \(expected)"))
        }
        if let fault = job.partial.check.finish() { return .failed(fault) }
        return .done
    }
}
