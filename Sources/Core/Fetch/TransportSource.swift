public import Transport

extension Exchange: SourceExchange {}

/// The real source of blocks: HTTP.
public struct TransportSource: BlockSource {
    private let transport: Transport

    /// A source that asks through `transport`.
    public init(_ transport: Transport) { self.transport = transport }

    /// Starts a request; see ``BlockSource``.
    public func start(
        _ request: HTTPRequest, completion: @escaping @Sendable (Result<HTTPResponse, TransportError>) -> Void
    ) -> any SourceExchange {
        transport.start(request, completion: completion)
    }
}
