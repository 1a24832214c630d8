internal import CPosix
import Glibc
import Support

/// The progress of a long task, on standard error: a bar on a terminal, a line every few seconds in a log, nothing when
/// quiet.
struct ProgressBar {
    private enum Style {
        case bar, lines, silent
    }

    /// Seconds between two pictures of the bar. More often would not be seen.
    private static let barInterval = 0.1
    /// Seconds between two lines of a log, and before the first, so that a short task writes none.
    private static let lineInterval = 5.0

    private let total: Int
    private let unit: String
    private let style: Style
    private let start = Instant.now
    private var shown: Instant
    private var done = 0
    private var isDrawn = false

    /// - Parameters:
    ///   - total: the number of steps of the task.
    ///   - unit: the name of the steps in the plural: "planes".
    ///   - quiet: write nothing at all.
    init(total: Int, unit: String, quiet: Bool) {
        self.total = total
        self.unit = unit
        style = quiet ? .silent : posix_terminal_columns(STDERR_FILENO) > 0 ? .bar : .lines
        shown = start
    }

    /// `count` steps of the total are done.
    mutating func advance(to count: Int) {
        done = count
        let now = Instant.now
        switch style {
        case .bar where now.seconds(since: shown) >= Self.barInterval:
            shown = now
            draw(now)
        case .lines where now.seconds(since: shown) >= Self.lineInterval:
            shown = now
            Output.note(Self.numbers(done: done, total: total, unit: unit, seconds: now.seconds(since: start)))
        default: break
        }
    }

    /// Removes the bar. Call it also before an error is printed.
    mutating func end() {
        if isDrawn { Output.raw("\r\u{1B}[K") }
        isDrawn = false
    }

    private mutating func draw(_ now: Instant) {
        let columns = Int(posix_terminal_columns(STDERR_FILENO))
        let text = Self.text(
            done: done, total: total, unit: unit, seconds: now.seconds(since: start), columns: columns)
        Output.raw("\r\(text)\u{1B}[K")
        isDrawn = true
    }

    /// The bar as text of less than `columns` characters: "[######....] 60/100 planes, 12.0/s, 3 s left".
    static func text(done: Int, total: Int, unit: String, seconds: Double, columns: Int) -> String {
        let numbers = numbers(done: done, total: total, unit: unit, seconds: seconds)
        let width = min(40, columns - numbers.count - 4)
        guard width >= 4 else { return String(numbers.prefix(max(0, columns - 1))) }
        let filled = total > 0 ? width * min(done, total) / total : width
        return "[" + String(repeating: "#", count: filled) + String(repeating: ".", count: width - filled) + "] "
            + numbers
    }

    /// "60/100 planes, 12.0/s, 3 s left".
    static func numbers(done: Int, total: Int, unit: String, seconds: Double) -> String {
        let count = "\(done)/\(total) \(unit)"
        guard done > 0, seconds > 0 else { return count }
        let rate = Double(done) / seconds
        let left = Double(max(0, total - done)) / rate
        let rounded = rate < 10 ? (rate * 10).rounded() / 10 : rate.rounded()
        let spelt = rounded < 10 ? "\(rounded)" : "\(Int(min(rounded, 1e15)))"
        return "\(count), \(spelt)/s, \(duration(left)) left"
    }

    /// "3 s", "2 min 05 s", "1 h 30 min".
    static func duration(_ seconds: Double) -> String {
        let whole = Int(min(seconds, 3.6e8).rounded(.up))
        func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
        if whole < 60 { return "\(whole) s" }
        if whole < 3600 { return "\(whole / 60) min \(two(whole % 60)) s" }
        return "\(whole / 3600) h \(two(whole % 3600 / 60)) min"
    }
}
