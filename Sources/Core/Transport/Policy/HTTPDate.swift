/// Dates of HTTP headers (RFC 9110, 5.6.7).
package enum HTTPDate {
    private static let months = [
        "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
    ]

    /// Seconds since 1970 of `Sun, 06 Nov 1994 08:49:37 GMT`, `Sunday, 06-Nov-94 08:49:37 GMT` or
    /// `Sun Nov  6 08:49:37 1994`. `nil` for any other text, also for a year above 9999, which no form can write.
    package static func parse(_ text: String) -> Int? {
        let words = text.split(whereSeparator: { " ,-\t".contains($0) }).map { $0.lowercased() }
        let clock = words.first { $0.contains(":") }?.split(separator: ":").compactMap { Int($0) }
        guard let clock, clock.count == 3, (0...23).contains(clock[0]), (0...59).contains(clock[1]),
            (0...60).contains(clock[2]), let monthWord = words.firstIndex(where: { months.contains($0) }),
            let month = months.firstIndex(of: words[monthWord])
        else { return nil }
        let numbers = words.compactMap { Int($0) }
        guard numbers.count == 2, let day = numbers.first, (1...31).contains(day), var year = numbers.last else {
            return nil
        }
        // RFC 850 writes two digits of the year; the web began after 1970.
        if year < 100 { year += year < 70 ? 2000 : 1900 }
        guard (1601...9999).contains(year) else { return nil }
        return days(year: year, month: month + 1, day: day) * 86400 + clock[0] * 3600 + clock[1] * 60 + clock[2]
    }

    /// Days from 1970-01-01, proleptic Gregorian calendar (Hinnant, "chrono-compatible low-level date algorithms").
    private static func days(year: Int, month: Int, day: Int) -> Int {
        let shifted = month <= 2 ? year - 1 : year
        let era = (shifted >= 0 ? shifted : shifted - 399) / 400
        let yearOfEra = shifted - era * 400
        let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        return era * 146_097 + dayOfEra - 719_468
    }
}
