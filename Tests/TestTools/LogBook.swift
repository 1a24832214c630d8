import Logging
import Support

/// Keeps the messages that are logged.
public final class LogBook: Sendable {
    private struct Handler: LogHandler {
        let book: LogBook
        var logLevel = Logger.Level.trace
        var metadata = Logger.Metadata()
        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }
        func log(event: LogEvent) {
            book.kept.withLock { $0.append((event.level, "\(event.message)")) }
        }
    }

    private let kept = Monitor<[(level: Logger.Level, message: String)]>([])

    /// An empty book.
    public init() {}

    /// A logger that writes here.
    public var logger: Logger { Logger(label: "test") { _ in Handler(book: self) } }

    /// The messages of one level.
    public func messages(_ level: Logger.Level) -> [String] {
        kept.withLock { $0.filter { $0.level == level }.map(\.message) }
    }

    /// All messages, each behind its level: `warning: the catalogue ...`.
    public var lines: [String] { kept.withLock { $0.map { "\($0.level): \($0.message)" } } }
}
