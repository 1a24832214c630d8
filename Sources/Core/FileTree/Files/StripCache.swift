internal import Support
internal import Synchronization

/// Pixels put together for readers that ask page by page, a strip a handle, within a limit for all handles.
final class StripCache: Sendable {
    /// Pixels that a sequential reader will ask for next, page by page.
    struct Strip: Sendable {
        /// Which bytes of the file.
        var range: Range<Int>
        var bytes: [UInt8]
    }

    /// The most bytes of a strip.
    static let stripSize = 1 << 20
    /// The most bytes of all: one for each of 64 readers, with which a mount stays below 300 MB (docs/BENCHMARKS.md).
    private static let limit = 64 * stripSize

    private let strips = MemoryCache<UInt64, Strip>(limit: limit)
    private let handles = Atomic<UInt64>(0)

    /// A number for a handle just opened.
    func newHandle() -> UInt64 { handles.add(1, ordering: .relaxed).newValue }

    /// The strip of a handle; nil also when others have pushed it out.
    subscript(handle: UInt64) -> Strip? { strips[handle] }

    /// Keeps `strip` as the one of its handle.
    func insert(_ strip: Strip, for handle: UInt64) { strips.insert(strip, for: handle, cost: strip.bytes.count) }

    /// Forgets the strip of a handle.
    func remove(_ handle: UInt64) { strips.remove(handle) }
}
