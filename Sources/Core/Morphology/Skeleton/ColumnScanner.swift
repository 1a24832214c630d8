import Glibc

/// Lines and columns of a text file, read in place.
///
/// A line ends at LF, CR LF or CR. A column is the text between two separators.
@safe struct ColumnScanner: ~Copyable {
    private let bytes: UnsafeBufferPointer<UInt8>
    private let comma: Bool
    private var nextLine: Int
    /// Start of the unread part of the current line.
    private(set) var position: Int
    /// End of the current line, without its terminator.
    private var lineEnd: Int
    /// The number of the current line, from 1; 0 before the first line.
    private(set) var line = 0

    /// Scans `bytes`, which must outlive the scanner. A UTF-8 byte order mark is skipped. Columns are separated by
    /// blanks, or by commas with optional blanks around them.
    @unsafe init(_ bytes: UnsafeBufferPointer<UInt8>, commaSeparated comma: Bool = false) {
        unsafe self.bytes = bytes
        self.comma = comma
        let mark = unsafe bytes.count >= 3 && bytes[0] == 0xEF && bytes[1] == 0xBB && bytes[2] == 0xBF
        nextLine = mark ? 3 : 0
        position = nextLine
        lineEnd = nextLine
    }

    /// Moves to the next line. `false` at the end of the file.
    mutating func advance() -> Bool {
        guard unsafe nextLine < bytes.count else { return false }
        var end = nextLine
        while unsafe end < bytes.count && bytes[end] != 10 && bytes[end] != 13 { end += 1 }
        position = nextLine
        lineEnd = end
        nextLine = end + 1
        if unsafe nextLine < bytes.count && bytes[end] == 13 && bytes[nextLine] == 10 { nextLine += 1 }
        line += 1
        skipBlanks()
        return true
    }

    /// Whether the line holds data: not blank and not a comment.
    var hasData: Bool { unsafe position < lineEnd && bytes[position] != UInt8(ascii: "#") }

    /// Whether the line is a comment.
    var isComment: Bool { position < lineEnd && !hasData }

    /// The unread part of the line as text, cut to `limit` bytes.
    func text(limit: Int) -> String {
        let part = position..<min(lineEnd, position + limit)
        return unsafe String(decoding: UnsafeBufferPointer(rebasing: bytes[part]), as: UTF8.self)
    }

    /// Skips the beginning of the line, so that at most `count` bytes of it are unread.
    mutating func skip(toLast count: Int) { position = max(position, lineEnd - count) }

    /// Whether the column ends in a digit.
    func endsInDigit(_ column: Range<Int>) -> Bool {
        guard let last = column.last else { return false }
        return unsafe bytes[last] >= 0x30 && bytes[last] <= 0x39
    }

    /// A whole number as the text of a column gives it.
    enum Whole {
        case value(Int)
        /// Larger than `Int` holds.
        case tooLarge
        /// The text is no number, or a fraction.
        case none
    }

    /// The whole number in the column, exact over the whole range of `Int`. "3.0" and "3e0" are whole as well.
    func whole(_ column: Range<Int>) -> Whole {
        var index = column.lowerBound
        var negative = false
        if unsafe index < column.upperBound && (bytes[index] == 0x2D || bytes[index] == 0x2B) {
            negative = unsafe bytes[index] == 0x2D
            index += 1
        }
        let digits = index
        var magnitude = 0
        var isTooLarge = false
        while unsafe index < column.upperBound && bytes[index] >= 0x30 && bytes[index] <= 0x39 {
            let (tens, overflow) = magnitude.multipliedReportingOverflow(by: 10)
            let (sum, carry) = unsafe tens.addingReportingOverflow(Int(bytes[index] - 0x30))
            isTooLarge = isTooLarge || overflow || carry
            magnitude = sum
            index += 1
        }
        let end = index
        if unsafe index < column.upperBound && bytes[index] == 0x2E {
            repeat { index += 1 } while unsafe index < column.upperBound && bytes[index] == 0x30
        }
        if end > digits && index == column.upperBound {
            return isTooLarge ? .tooLarge : .value(negative ? -magnitude : magnitude)
        }
        guard let value = number(column), value.rounded() == value else { return .none }
        return abs(value) <= 0x1p53 ? .value(Int(value)) : .tooLarge
    }

    /// The next column, `nil` at the end of the line. With commas a column may be empty.
    mutating func next() -> Range<Int>? {
        guard position < lineEnd else { return nil }
        let start = position
        var end = start
        if comma {
            while unsafe end < lineEnd && bytes[end] != UInt8(ascii: ",") { end += 1 }
            position = min(end + 1, lineEnd)
            while unsafe end > start && Self.isBlank(bytes[end - 1]) { end -= 1 }
        } else {
            while unsafe end < lineEnd && !Self.isBlank(bytes[end]) { end += 1 }
            position = end
        }
        skipBlanks()
        return start..<end
    }

    /// The column as text for a message, cut to 20 bytes; "?" replaces an unprintable byte.
    func quoted(_ column: Range<Int>) -> String {
        var text = "\""
        for index in column.prefix(20) {
            let byte = unsafe bytes[index]
            text.unicodeScalars.append(byte >= 32 && byte < 127 ? Unicode.Scalar(byte) : "?")
        }
        return text + (column.count > 20 ? "...\"" : "\"")
    }

    /// The decimal number in the column, correctly rounded; `nil` when the column is no decimal number, such as "inf",
    /// "nan" or a hexadecimal number.
    func number(_ column: Range<Int>) -> Double? {
        var index = column.lowerBound
        var negative = false
        if unsafe index < column.upperBound && (bytes[index] == 0x2D || bytes[index] == 0x2B) {
            negative = unsafe bytes[index] == 0x2D
            index += 1
        }
        var mantissa: UInt64 = 0
        var digits = 0
        var scale = 0
        var sawPoint = false
        var significant = 0
        while index < column.upperBound {
            let byte = unsafe bytes[index]
            if byte >= 0x30 && byte <= 0x39 {
                digits += 1
                if significant < 19 {
                    mantissa = mantissa * 10 + UInt64(byte - 0x30)
                    if mantissa != 0 { significant += 1 }
                    if sawPoint { scale -= 1 }
                } else {
                    significant = 20
                }
            } else if byte == 0x2E && !sawPoint {
                sawPoint = true
            } else {
                break
            }
            index += 1
        }
        guard digits > 0 else { return nil }
        // Clinger's fast path: mantissa and power of ten are both exact in Double, so one division rounds correctly.
        if index == column.upperBound && significant < 20 && mantissa <= 1 << 53 && scale >= -22 {
            let magnitude = Double(mantissa) / Self.powerOfTen(-scale)
            return negative ? -magnitude : magnitude
        }
        return slowNumber(column, from: index)
    }

    /// Any other decimal number: an exponent, or too many digits for the fast path.
    private func slowNumber(_ column: Range<Int>, from exponent: Int) -> Double? {
        if exponent < column.upperBound {
            guard unsafe bytes[exponent] | 0x20 == UInt8(ascii: "e") else { return nil }
            for index in (exponent + 1)..<column.upperBound {
                let byte = unsafe bytes[index]
                guard (byte >= 0x30 && byte <= 0x39) || byte == 0x2D || byte == 0x2B else { return nil }
            }
        }
        return unsafe Double(String(decoding: UnsafeBufferPointer(rebasing: bytes[column]), as: UTF8.self))
    }

    @inline(__always) private static func powerOfTen(_ exponent: Int) -> Double {
        tens[exponent]
    }

    private static let tens: [Double] = [
        1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19,
        1e20, 1e21, 1e22,
    ]

    private mutating func skipBlanks() {
        while unsafe position < lineEnd && Self.isBlank(bytes[position]) { position += 1 }
    }

    @inline(__always) private static func isBlank(_ byte: UInt8) -> Bool { byte == 32 || byte == 9 }

    /// The line (from 1) of the first NUL byte, which no text file contains; `nil` when there is none.
    @unsafe static func lineOfNUL(_ bytes: UnsafeBufferPointer<UInt8>) -> Int? {
        guard let base = bytes.baseAddress, let hit = unsafe memchr(base, 0, bytes.count) else { return nil }
        let before = unsafe UnsafeRawPointer(hit) - UnsafeRawPointer(base)
        return unsafe bytes.prefix(before).reduce(into: 1) { line, byte in if byte == 10 { line += 1 } }
    }

    /// The number of lines that hold data, without reading a number. Counting stops at `limit` + 1.
    @unsafe static func dataLines(_ bytes: UnsafeBufferPointer<UInt8>, limit: Int) -> Int {
        guard let base = bytes.baseAddress else { return 0 }
        var count = 0
        var position = 0
        while position < bytes.count && count <= limit {
            var first = position
            while unsafe first < bytes.count && isBlank(bytes[first]) { first += 1 }
            guard first < bytes.count else { break }
            let byte = unsafe bytes[first]
            if byte != UInt8(ascii: "#") && byte != 10 && byte != 13 { count += 1 }
            guard let end = unsafe memchr(base + first, 10, bytes.count - first) else { break }
            position = unsafe UnsafeRawPointer(end) - UnsafeRawPointer(base) + 1
        }
        return count
    }
}
