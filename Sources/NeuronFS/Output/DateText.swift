import Glibc

/// Points in time as people read them.
enum DateText {
    /// Date and time of day in the user's time zone: "2026-11-30 17:12".
    static func text(secondsSince1970 seconds: Double) -> String {
        guard var time = time_t(exactly: seconds.rounded()) else { return "an impossible date" }
        var parts = unsafe tm()
        guard unsafe localtime_r(&time, &parts) != nil else { return "an impossible date" }
        var text = [CChar](repeating: 0, count: 32)
        let length = unsafe strftime(&text, text.count, "%Y-%m-%d %H:%M", &parts)
        return String(decoding: text[..<length].map(UInt8.init(bitPattern:)), as: UTF8.self)
    }
}
