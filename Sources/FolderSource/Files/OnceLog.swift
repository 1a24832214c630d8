internal import Logging
internal import Support

/// Writes each fault of a file once for each version of the file, whatever the number of reads that meet it.
final class OnceLog: Sendable {
    private struct Key: Hashable {
        let message: String
        let path: String
        let version: String
    }

    private let logger: Logger
    private let told = Monitor<Set<Key>>([])
    /// Faults that are remembered.
    private static let limit = 10_000

    init(_ logger: Logger) { self.logger = logger }

    /// Warns of a fault, unless that was done.
    ///
    /// - Parameters:
    ///   - path: the file.
    ///   - version: the version that the fault is of; nil where there is no file.
    func warn(_ message: String, path: String, version: FileVersion?, reason: String) {
        let isNews = told.withLock { told in
            if told.count >= Self.limit { told = [] }
            return told.insert(Key(message: message, path: path, version: version?.text ?? "")).inserted
        }
        guard isNews else { return }
        logger.warning("\(message)", metadata: ["path": "\(path)", "reason": "\(OutsideText.cut(reason))"])
    }
}
