public import Transport

/// Where blocks come from when they are not in the cache: the seam between fetching and HTTP, which tests script.
public protocol BlockSource: Sendable {
    /// Seconds within which a reply's head comes, or the try counts as failed.
    var replyTimeout: Double { get }

    /// Starts a request. `completion` is called exactly once, on any thread, also after a cancellation; it may be called
    /// before this returns.
    func start(
        _ request: HTTPRequest, completion: @escaping @Sendable (Result<HTTPResponse, TransportError>) -> Void
    ) -> any SourceExchange
}

/// A request under way.
public protocol SourceExchange: Sendable {
    /// Gives the request up.
    func cancel()
    /// Moves a request of the prefetch lane to the demand lane.
    func promote()
}
