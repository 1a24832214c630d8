import Glibc
package import Logging

/// A swift-log handler that writes `2026-11-22T18:37:23.123Z level label message key=value ...`. Each entry is one
/// line, whatever message and values contain (``LogText``).
package struct LineLogHandler: LogHandler {
    /// Lines below this level are not written.
    package var logLevel: Logger.Level
    /// Fields added to every line.
    package var metadata: Logger.Metadata = [:]
    private let label: String
    private let sink: LogSink

    /// A handler for the logger `label`.
    package init(label: String, level: Logger.Level, sink: LogSink) {
        self.label = label
        self.logLevel = level
        self.sink = sink
    }

    /// One field of ``metadata``.
    package subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    /// Writes one line.
    package func log(event: LogEvent) {
        var line = "\(Self.timestamp()) \(event.level) \(label) \(LogText.message("\(event.message)"))"
        let fields = metadata.merging(event.metadata ?? [:]) { $1 }
        for (key, value) in fields.sorted(by: { $0.key < $1.key }) { line += " \(key)=\(LogText.value("\(value)"))" }
        sink.write(line + "\n")
    }

    private static func timestamp() -> String {
        var now = timespec()
        unsafe clock_gettime(CLOCK_REALTIME, &now)
        var parts = unsafe tm()
        _ = unsafe gmtime_r(&now.tv_sec, &parts)
        func padded(_ value: some BinaryInteger, _ width: Int) -> String {
            let digits = String(value)
            return String(repeating: "0", count: max(0, width - digits.count)) + digits
        }
        let date = unsafe "\(parts.tm_year + 1900)-\(padded(parts.tm_mon + 1, 2))-\(padded(parts.tm_mday, 2))"
        let time = unsafe "\(padded(parts.tm_hour, 2)):\(padded(parts.tm_min, 2)):\(padded(parts.tm_sec, 2))"
        return "\(date)T\(time).\(padded(now.tv_nsec / 1_000_000, 3))Z"
    }
}
