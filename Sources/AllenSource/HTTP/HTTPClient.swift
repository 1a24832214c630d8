internal import Support
package import Transport

/// Makes HTTP requests: the transport, or a script in tests.
package protocol HTTPClient: Sendable {
    /// Seconds within which a reply's head comes, or the try counts as failed.
    var replyTimeout: Double { get }

    /// Starts a request. `completion` is called exactly once, on any thread, also after a cancellation; it may be called
    /// before this returns.
    func start(
        _ request: HTTPRequest, completion: @escaping @Sendable (Result<HTTPResponse, TransportError>) -> Void
    ) -> any HTTPExchange
}

/// A request under way.
package protocol HTTPExchange: Sendable {
    /// Gives the request up.
    func cancel()
    /// Moves a request of the prefetch lane to the demand lane.
    func promote()
}

extension Exchange: HTTPExchange {}

/// The client that users run.
package struct TransportClient: HTTPClient {
    private let transport: Transport
    package let replyTimeout: Double

    /// A client of `transport`, which is shut down after the source.
    ///
    /// - Parameter replyTimeout: seconds; the transport's ``Transport/TransportConfiguration/firstByteTimeout``.
    package init(_ transport: Transport, replyTimeout: Double) {
        self.transport = transport
        self.replyTimeout = replyTimeout
    }

    package func start(
        _ request: HTTPRequest, completion: @escaping @Sendable (Result<HTTPResponse, TransportError>) -> Void
    ) -> any HTTPExchange {
        transport.start(request, completion: completion)
    }
}

extension ResponseHead {
    /// What names the version of the object: the ETag, else the Last-Modified, else empty.
    var validator: String { etag ?? lastModified ?? "" }
}
