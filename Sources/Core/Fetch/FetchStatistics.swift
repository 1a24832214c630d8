import Support

/// What a fetcher has done since it was made, and what it is doing.
package struct FetchStatistics: Equatable, Sendable {
    /// Flights begun: blocks that at least one reader, or read-ahead, wanted and that were not under way already.
    package var flights = 0
    /// Flights under way now.
    package var flightsNow = 0
    /// Readers that joined a flight already under way.
    package var joined = 0
    /// Readers waiting now.
    package var waitingReaders = 0
    /// Blocks answered from the store.
    package var fromStore = 0
    /// Requests started.
    package var requests = 0
    /// Requests repeated because the bytes were wrong.
    package var refetched = 0
    /// Requests cancelled because nobody waited any more.
    package var abandoned = 0
    /// Readers refused at once, for offline mode or a host out of reach.
    package var offlineRefusals = 0
    /// Blocks fetched ahead of any reader.
    package var prefetched = 0
    /// The part of ``prefetched`` that a reader has then wanted.
    package var prefetchedUsed = 0
    /// The part of ``prefetched`` that no reader wanted before some thousands of others were fetched.
    package var prefetchedWasted = 0
    /// Hints that were dropped: too many were queued, there was no store to keep the result, or the source was not to be asked.
    package var prefetchDropped = 0
    /// Hosts out of reach now.
    package var unreachableHosts: [String] = []

    /// All zero.
    package init() {}
}

/// The running counts behind ``FetchStatistics``.
struct FetchCounters: Sendable {
    let flights = Counter()
    let joined = Counter()
    let waitingReaders = Counter()
    let fromStore = Counter()
    let refetched = Counter()
    let abandoned = Counter()
    let offlineRefusals = Counter()
    let prefetchDropped = Counter()
}
