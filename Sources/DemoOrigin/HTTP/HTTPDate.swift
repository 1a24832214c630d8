import Foundation

enum HTTPDate {
    /// An IMF-fixdate (RFC 9110, 5.6.7), for example `Sun, 06 Nov 1994 08:49:37 GMT`.
    static func text(secondsSince1970 seconds: Int) -> String {
        var calendar = Calendar(identifier: .gregorian)
        calendar.timeZone = .gmt
        let parts = calendar.dateComponents(
            [.weekday, .day, .month, .year, .hour, .minute, .second],
            from: Date(timeIntervalSince1970: TimeInterval(seconds)))
        let weekdays = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]
        let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
        return weekdays[(parts.weekday ?? 1) - 1] + ", " + padded(parts.day) + " " + months[(parts.month ?? 1) - 1]
            + " \(parts.year ?? 1970) " + padded(parts.hour) + ":" + padded(parts.minute) + ":" + padded(parts.second)
            + " GMT"
    }

    private static func padded(_ value: Int?) -> String {
        let text = String(value ?? 0)
        return text.utf8.count < 2 ? "0" + text : text
    }
}
