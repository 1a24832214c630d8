public import Transport

/// The real source of blocks: HTTP.
public struct TransportSource: BlockSource {
    private let transport: Transport

    /// Seconds until a try without a reply has failed.
    public let replyTimeout: Double

    /// Fetches through `transport`, which is shut down after the fetcher.
    ///
    /// - Parameter replyTimeout: seconds; the transport's ``TransportConfiguration/firstByteTimeout``.
    public init(_ transport: Transport, replyTimeout: Double) {
        self.transport = transport
        self.replyTimeout = replyTimeout
    }

    /// Starts a request.
    public func start(
        _ request: HTTPRequest, completion: @escaping @Sendable (Result<HTTPResponse, TransportError>) -> Void
    ) -> any SourceExchange {
        transport.start(request, completion: completion)
    }
}

extension Exchange: SourceExchange {}
