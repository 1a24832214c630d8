/// A snapshot of what the transport has done and is doing.
package struct TransportStatistics: Sendable {
    /// The replies and failures of one host.
    package struct Host: Sendable {
        /// Tries sent to the host, redirects included.
        package internal(set) var attempts = 0
        /// Tries that failed.
        package internal(set) var failures = 0
        /// Exponentially weighted mean, in seconds, of the time from the start of a try to the reply's head. A try
        /// given up without a reply counts with its waiting time. A new value weighs 0.2.
        package internal(set) var latency = 0.0
        /// The longest such time, in seconds.
        package internal(set) var slowestReply = 0.0
        /// Replies and given-up waits measured in ``latency``.
        package internal(set) var replies = 0

        mutating func measure(_ seconds: Double) {
            latency = replies == 0 ? seconds : 0.8 * latency + 0.2 * seconds
            slowestReply = max(slowestReply, seconds)
            replies += 1
        }
    }

    /// Requests accepted.
    package internal(set) var requests = 0
    /// Requests completed with a reply.
    package internal(set) var succeeded = 0
    /// Requests completed with an error, without cancelled ones.
    package internal(set) var failed = 0
    /// Requests that their caller cancelled.
    package internal(set) var cancelled = 0
    /// Requests with bytes under way now.
    package internal(set) var inFlight = 0
    /// Requests that are neither completed nor under way: queued, or pausing between tries.
    package internal(set) var waiting = 0
    /// Tries after the first.
    package internal(set) var retries = 0
    /// Retries that continued a body where it had been cut.
    package internal(set) var resumed = 0
    /// Redirects followed.
    package internal(set) var redirects = 0
    /// Connections opened.
    package internal(set) var connections = 0
    /// Bytes of body received, after decompression. Repeated bytes count again.
    package internal(set) var bytesReceived = 0
    /// Failed tries by kind, whether or not a retry succeeded.
    package internal(set) var faults: [TransportError.Kind: Int] = [:]
    /// Errors handed to callers by kind.
    package internal(set) var errors: [TransportError.Kind: Int] = [:]
    /// Origins (scheme, host and port) that have sent a busy reply and get no request for a while.
    package internal(set) var busyHosts: [String] = []
    /// By host name. Hosts beyond the first 64 are summed under "other".
    package var hosts: [String: Host] = [:]

    /// The host with the highest latency.
    package var slowestHost: (name: String, host: Host)? {
        let measured = hosts.filter { $0.value.replies > 0 }
        return measured.max { ($0.value.latency, $1.key) < ($1.value.latency, $0.key) }.map { ($0.key, $0.value) }
    }

    /// An all-zero snapshot.
    package init() {}

    mutating func updateHost(_ name: String, _ body: (inout Host) -> Void) {
        body(&hosts[hosts[name] != nil || hosts.count < 64 ? name : "other", default: Host()])
    }
}
