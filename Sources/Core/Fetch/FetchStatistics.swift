import Support

/// What a fetcher has done since it was made, and what it is doing.
public struct FetchStatistics: Equatable, Sendable {
    /// Flights begun: blocks that at least one reader, or read-ahead, wanted and that were not under way already.
    public var flights = 0
    /// Flights under way now.
    public var flightsNow = 0
    /// Readers that joined a flight already under way.
    public var joined = 0
    /// Readers waiting now.
    public var waitingReaders = 0
    /// Blocks answered from the cache on disk.
    public var fromCache = 0
    /// Requests started.
    public var requests = 0
    /// Requests repeated because the bytes were wrong.
    public var refetched = 0
    /// Requests cancelled because nobody waited any more.
    public var abandoned = 0
    /// Readers refused at once, for offline mode or a host out of reach.
    public var offlineRefusals = 0
    /// Blocks fetched ahead of any reader.
    public var prefetched = 0
    /// The part of ``prefetched`` that a reader has then wanted.
    public var prefetchedUsed = 0
    /// The part of ``prefetched`` that no reader wanted before some thousands of others were fetched.
    public var prefetchedWasted = 0
    /// Wishes to prefetch that were dropped: too many queued, no cache to keep the result, or offline.
    public var prefetchDropped = 0
    /// Hosts out of reach now.
    public var unreachableHosts: [String] = []

    /// All zero.
    public init() {}
}

/// The running counts behind ``FetchStatistics``.
struct FetchCounters: Sendable {
    let flights = Counter()
    let joined = Counter()
    let waitingReaders = Counter()
    let fromCache = Counter()
    let requests = Counter()
    let refetched = Counter()
    let abandoned = Counter()
    let offlineRefusals = Counter()
    let prefetchDropped = Counter()
}
