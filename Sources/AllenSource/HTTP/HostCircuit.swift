internal import Logging
internal import Specimens
internal import Support
internal import Transport

/// Knows which hosts are out of reach, so that readers do not each wait a whole timeout, and finds out by itself when
/// they are back.
///
/// After ``Settings/threshold`` failures in a row to reach a host, its requests are refused at once. A thread then sends a
/// HEAD to the host's root, after 1, 2, 4, ... seconds. Any reply ends the outage. The thread does not repeat the request
/// that failed: that may be slow, or a whole file, and says no more of the way to the host than a HEAD does.
final class HostCircuit: Sendable {
    struct Settings: Sendable {
        /// Failures in a row, without any reply between, after which a host counts as gone.
        var threshold = 3
        /// Seconds until the first probe; doubled after each that fails.
        var firstPause = 1.0
        /// The longest pause between probes, in seconds.
        var longestPause = 15.0
        /// Seconds a probe may take; at least ``HTTPClient/replyTimeout``, or a host that is slow would be gone for ever.
        var probeTimeout = 10.0
    }

    private struct Host {
        var failures = 0
        var isGone = false
        var cause = ""
        /// The URL that a probe asks for.
        let root: String
        var pause: Double
        var nextProbe = Instant(nanoseconds: 0)
        var isProbing = false
    }

    private struct State {
        var hosts: [String: Host] = [:]
        var isClosed = false
    }

    private enum Step {
        case probe(String, root: String)
        case lookAgain
        case stop
    }

    private let state = Monitor(State())
    private let settings: Settings
    private let client: any HTTPClient
    private let logger: Logger
    private let thread = Monitor<NamedThread?>(nil)

    init(client: any HTTPClient, settings: Settings, logger: Logger) {
        self.client = client
        self.settings = settings
        self.logger = logger
    }

    /// Why a request to `url` should not be made now; nil when it may.
    func outage(of url: String) -> Outage? {
        let host = Self.host(of: url)
        return state.withLock { state in
            guard let found = state.hosts[host], found.isGone else { return nil }
            return .unreachable(host: host, cause: found.cause)
        }
    }

    var unreachable: [String] {
        state.withLock { state in state.hosts.filter { $0.value.isGone }.keys.sorted() }
    }

    /// Learns from the outcome of a request.
    func note(_ result: Result<HTTPResponse, TransportError>, of request: HTTPRequest) {
        let host = Self.host(of: request.url)
        switch Self.verdict(result) {
        case .reached: noteReached(host)
        case .unreached(let cause): noteUnreached(host, cause, request.url)
        case .unknown: break
        }
    }

    private func noteReached(_ host: String) {
        let isBack = state.withLock { $0.hosts.removeValue(forKey: host)?.isGone ?? false }
        if isBack { logger.notice("host \(host) is back") }
    }

    private func noteUnreached(_ host: String, _ cause: String, _ url: String) {
        let isNews = state.update { state in
            var entry = state.hosts[host] ?? Host(root: Self.root(of: url), pause: settings.firstPause)
            defer { state.hosts[host] = entry }
            entry.failures += 1
            entry.cause = cause
            guard !entry.isGone, entry.failures >= settings.threshold, !state.isClosed else { return false }
            entry.isGone = true
            entry.nextProbe = Instant.now.advanced(bySeconds: entry.pause)
            return true
        }
        guard isNews else { return }
        do throws(ThreadError) {
            try startProbing()
        } catch {
            // Without a prober nobody would find out that the host is back: each request goes on asking for itself, and the
            // next failure tries for a prober again.
            state.withLock { $0.hosts[host]?.isGone = false }
            return logger.warning("host \(host) is out of reach, and each read goes on asking it: \(error)")
        }
        logger.warning("host \(host) is out of reach, only what is cached is served until it is back: \(cause)")
    }

    /// The thread is made when the first host goes: most mounts never need it.
    private func startProbing() throws(ThreadError) {
        try thread.withLock { thread throws(ThreadError) in
            guard thread == nil else { return }
            thread = try NamedThread("fetch-probe") { [weak self] in self?.probe() }
        }
    }

    private func probe() {
        while true {
            let due = state.withLock { state in
                state.hosts.values.filter { $0.isGone && !$0.isProbing }.map(\.nextProbe).min()
            }
            let limit = due ?? Instant.now.advanced(bySeconds: 3600)
            let step = state.wait(until: limit) { state -> Step? in
                if state.isClosed { return .stop }
                let now = Instant.now
                let waiting = state.hosts.filter { $0.value.isGone && !$0.value.isProbing }
                if let (host, entry) = waiting.first(where: { $0.value.nextProbe <= now }) {
                    state.hosts[host]?.isProbing = true
                    return .probe(host, root: entry.root)
                }
                // Another host went, or a probe ended: the time to wait has changed.
                return waiting.values.map(\.nextProbe).min() == due ? nil : .lookAgain
            }
            switch step {
            case .probe(let host, let root): startProbe(host, root)
            case .stop: return
            case .lookAgain, nil: continue
            }
        }
    }

    private func startProbe(_ host: String, _ root: String) {
        var request = HTTPRequest(url: root, maximumBody: 64 << 10)
        request.method = .head
        request.isMetadata = true
        request.deadline = Instant.now.advanced(bySeconds: max(settings.probeTimeout, client.replyTimeout))
        _ = client.start(request) { [weak self] result in self?.endProbe(host, result) }
    }

    private func endProbe(_ host: String, _ result: Result<HTTPResponse, TransportError>) {
        if case .reached = Self.verdict(result) {
            noteReached(host)
            return
        }
        state.update { state in
            guard var entry = state.hosts[host] else { return }
            entry.pause = min(entry.pause * 2, settings.longestPause)
            entry.nextProbe = Instant.now.advanced(bySeconds: entry.pause)
            entry.isProbing = false
            state.hosts[host] = entry
        }
    }

    /// Ends the thread. Hosts that are gone stay gone.
    func close() {
        state.update { $0.isClosed = true }
        thread.withLock { thread in
            let present = thread
            thread = nil
            return present
        }?.join()
    }

    private enum Verdict {
        case reached
        case unreached(String)
        case unknown
    }

    /// Only what speaks of the way to the host counts: a reply of any kind proves it, and a transfer that broke half-way,
    /// or that we gave up, proves nothing.
    private static func verdict(_ result: Result<HTTPResponse, TransportError>) -> Verdict {
        guard case .failure(let error) = result else { return .reached }
        switch error.kind {
        case .unresolvedHost, .connectFailed, .noReply: return .unreached(error.context.cause)
        case .deadlineExceeded:
            // A host that asks to come back later is there; of no try it was only our own queue that was slow.
            if error.context.hasReplied { return .reached }
            return error.context.attempts > 0 ? .unreached(error.context.cause) : .unknown
        case .status, .badShape, .wrongRange, .wrongLength, .rangeIgnored, .changed, .tooLarge, .redirectRefused:
            return .reached
        case .invalidRequest, .reset, .stalled, .truncated, .tls, .refusedBySink, .cancelled, .shutDown: return .unknown
        }
    }

    /// Host and port of an absolute URL.
    static func host(of url: String) -> String {
        guard let start = url.firstRange(of: "://")?.upperBound else { return url }
        return url[start...].prefix { $0 != "/" && $0 != "?" && $0 != "#" }.lowercased()
    }

    /// The URL of the root of the host of an absolute URL.
    static func root(of url: String) -> String {
        guard let start = url.firstRange(of: "://")?.upperBound else { return url }
        return "\(url[..<start])\(host(of: url))/"
    }
}
