/// A snapshot of what the transport has done and is doing.
public struct TransportStatistics: Sendable {
    /// The replies and failures of one host.
    public struct Host: Sendable {
        /// Tries sent to the host, redirects included.
        public internal(set) var attempts = 0
        /// Tries that failed.
        public internal(set) var failures = 0
        /// Exponentially weighted mean, in seconds, of the time from the start of a try to the reply's head. A try
        /// given up without a reply counts with its waiting time. A new value weighs 0.2.
        public internal(set) var latency = 0.0
        /// The longest such time, in seconds.
        public internal(set) var slowestReply = 0.0
        /// Replies and given-up waits measured in ``latency``.
        public internal(set) var replies = 0

        mutating func measure(_ seconds: Double) {
            latency = replies == 0 ? seconds : 0.8 * latency + 0.2 * seconds
            slowestReply = max(slowestReply, seconds)
            replies += 1
        }
    }

    /// Requests accepted.
    public internal(set) var requests = 0
    /// Requests completed with a reply.
    public internal(set) var succeeded = 0
    /// Requests completed with an error, without cancelled ones.
    public internal(set) var failed = 0
    /// Requests that their caller cancelled.
    public internal(set) var cancelled = 0
    /// Requests with bytes under way now.
    public internal(set) var inFlight = 0
    /// Requests that are neither completed nor under way: queued, or pausing between tries.
    public internal(set) var waiting = 0
    /// Tries after the first.
    public internal(set) var retries = 0
    /// Retries that continued a body where it had been cut.
    public internal(set) var resumed = 0
    /// Redirects followed.
    public internal(set) var redirects = 0
    /// Connections opened.
    public internal(set) var connections = 0
    /// Bytes of body received, after decompression. Repeated bytes count again.
    public internal(set) var bytesReceived = 0
    /// Failed tries by kind, whether or not a retry succeeded.
    public internal(set) var faults: [TransportError.Kind: Int] = [:]
    /// Errors handed to callers by kind.
    public internal(set) var errors: [TransportError.Kind: Int] = [:]
    /// Origins (scheme, host and port) that have sent a busy reply and get no request for a while.
    public internal(set) var busyHosts: [String] = []
    /// By host name. Hosts beyond the first 64 are summed under "other".
    public internal(set) var hosts: [String: Host] = [:]

    /// The host with the highest latency.
    public var slowestHost: (name: String, host: Host)? {
        let measured = hosts.filter { $0.value.replies > 0 }
        return measured.max { ($0.value.latency, $1.key) < ($1.value.latency, $0.key) }.map { ($0.key, $0.value) }
    }

    /// An all-zero snapshot.
    public init() {}

    mutating func updateHost(_ name: String, _ body: (inout Host) -> Void) {
        body(&hosts[hosts[name] != nil || hosts.count < 64 ? name : "other", default: Host()])
    }
}
