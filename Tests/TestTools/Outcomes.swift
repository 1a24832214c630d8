import Fetch
import Support
import Testing
import Transport

/// Collects what completions got.
package final class Outcomes: Sendable {
    private let results = Monitor<[Result<FetchedBlock, FetchError>]>([])

    package init() {}

    /// Takes one result.
    package var completion: @Sendable (Result<FetchedBlock, FetchError>) -> Void {
        { result in self.results.update { $0.append(result) } }
    }

    /// Results so far.
    package var count: Int { results.withLock { $0.count } }

    /// Waits until `count` have come.
    package func wait(_ count: Int = 1) throws -> [Result<FetchedBlock, FetchError>] {
        let limit = Instant.now.advanced(bySeconds: 60)
        return try #require(results.wait(until: limit) { $0.count >= count ? $0 : nil }, "fewer than \(count) results")
    }
}

extension Result where Success == FetchedBlock, Failure == FetchError {
    /// The bytes of a success.
    package var bytes: [UInt8]? { if case .success(let block) = self { block.bytes } else { nil } }
    /// The block of a success.
    package var block: FetchedBlock? { if case .success(let block) = self { block } else { nil } }
    /// The case of the error, with what a test compares.
    package var failure: String? {
        guard case .failure(let error) = self else { return nil }
        return switch error {
        case .source(let error):
            (error.cause as? TransportError).map { "transport \($0.kind)" } ?? "source \(error.kind)"
        case .offline(.switchedOff): "offline"
        case .offline(.unreachable(let host, _)): "unreachable \(host)"
        case .changedUpstream(_, let old, let new): "changed \(old) to \(new)"
        case .invalidBlock(let reason): "invalid: \(reason)"
        case .cancelled: "cancelled"
        case .shutDown: "shut down"
        }
    }
}
