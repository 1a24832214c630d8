public import Transport

/// The real source of blocks: HTTP.
public struct TransportSource: BlockSource {
    private let transport: Transport

    /// Fetches through `transport`, which is shut down after the fetcher.
    public init(_ transport: Transport) { self.transport = transport }

    /// Starts a request.
    public func start(
        _ request: HTTPRequest, completion: @escaping @Sendable (Result<HTTPResponse, TransportError>) -> Void
    ) -> any SourceExchange {
        transport.start(request, completion: completion)
    }
}

extension Exchange: SourceExchange {}
