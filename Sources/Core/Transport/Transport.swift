import CCurl
package import Logging
package import Support

/// HTTP over libcurl, on one thread called "transport".
///
/// Any thread may start, cancel and promote requests; none of these calls waits. Completions and sinks run on the
/// transport thread and must return soon: while one runs, no other transfer moves.
///
/// A result is exactly the requested bytes, or an error. ``HTTPRequest`` lists the checks.
package final class Transport: Sendable {
    private let mailbox: Mailbox
    private let snapshot = Monitor(TransportStatistics())
    private let received = Counter()
    private let thread: NamedThread

    private static let globalInit: Bool = shim_global_init() == CURLE_OK

    /// Starts the transport thread. It ends with ``shutdown()``, or when the last reference to the transport is
    /// released.
    ///
    /// - Throws: ``ThreadError`` when the thread cannot be created.
    package init(_ configuration: TransportConfiguration, logger: Logger) throws(ThreadError) {
        guard Self.globalInit, let multi = unsafe curl_multi_init() else {
            preconditionFailure("libcurl cannot be initialised: out of memory")
        }
        let mailbox = unsafe Mailbox(multi: multi)
        self.mailbox = mailbox
        let (snapshot, received) = (self.snapshot, self.received)
        // A pointer is not Sendable. The thread is the only user of the multi handle, but for `curl_multi_wakeup`.
        let address = UInt(bitPattern: multi)
        do throws(ThreadError) {
            thread = try NamedThread("transport") {
                guard let multi = unsafe UnsafeMutableRawPointer(bitPattern: address) else { return }
                unsafe EventLoop(
                    configuration, multi: multi, mailbox: mailbox, statistics: snapshot, received: received,
                    logger: logger
                ).run()
            }
        } catch {
            unsafe curl_multi_cleanup(multi)
            throw error
        }
    }

    deinit { shutdown() }

    /// Starts a request.
    ///
    /// - Parameter completion: called exactly once, on the transport thread. Only when the transport has been shut
    ///   down, it is called on the calling thread, before this call returns.
    /// - Returns: the handle that cancels or promotes the request.
    @discardableResult
    package func start(
        _ request: HTTPRequest,
        completion: @escaping @Sendable (Result<HTTPResponse, TransportError>) -> Void
    ) -> Exchange {
        guard let id = mailbox.start(request, completion) else {
            let fault = Fault(.shutDown, "the transport was shut down")
            let host = URLParts(request.url)?.host ?? "unknown"
            completion(.failure(fault.error(url: request.url, host: host, attempts: 0)))
            return Exchange(id: 0, mailbox: mailbox)
        }
        return Exchange(id: id, mailbox: mailbox)
    }

    /// Fails every request with ``TransportError/shutDown(_:)`` and ends the thread. Waits for the thread, unless
    /// called on it.
    package func shutdown() {
        let isOwnThread = mailbox.stop()
        if !isOwnThread { thread.join() }
    }

    /// A snapshot of the counts since the start.
    package var statistics: TransportStatistics {
        var statistics = snapshot.withLock { $0 }
        statistics.bytesReceived = received.value
        return statistics
    }
}

/// One request under way.
package final class Exchange: Sendable {
    private let id: UInt64
    private let mailbox: Mailbox

    init(id: UInt64, mailbox: Mailbox) {
        self.id = id
        self.mailbox = mailbox
    }

    /// Ends the request with ``TransportError/cancelled(_:)``. Does nothing when the request has completed.
    package func cancel() { mailbox.post(.cancel(id: id)) }

    /// Moves the request from prefetch to demand, because a reader waits for it now.
    package func promote() { mailbox.post(.promote(id: id)) }
}
