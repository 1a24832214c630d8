import Support

/// The order of field values, as PostgreSQL sorts: numbers by value, texts by their bytes, null last.
enum JSONOrder {
    static func compare(_ left: JSONValue?, _ right: JSONValue?) -> Int {
        switch (left ?? .null, right ?? .null) {
        case (.null, .null): return 0
        case (.null, _): return 1
        case (_, .null): return -1
        case (.number, .number):
            let (first, second) = (left?.doubleValue ?? 0, right?.doubleValue ?? 0)
            return first < second ? -1 : first > second ? 1 : 0
        case (let first, let second):
            let (one, two) = (first.plainText, second.plainText)
            return one < two ? -1 : one > two ? 1 : 0
        }
    }
}

extension JSONValue {
    /// A value as a query writes it: `true`, `12`, `abc`.
    var plainText: String {
        switch self {
        case .string(let text), .number(let text): text
        case .bool(let value): value ? "true" : "false"
        case .null: "null"
        case .array, .object: text(.compact)
        }
    }
}

extension RMAFilter {
    func accepts(_ value: JSONValue) -> Bool {
        switch comparison {
        case .equal, .oneOf: values.contains { Self.isEqual(value, $0) }
        // In SQL no value is unequal to null; only `is not null` selects values.
        case .notEqual:
            values.allSatisfy { wanted in
                wanted == nil ? value != .null : value != .null && !Self.isEqual(value, wanted)
            }
        case .like: matches(value, ignoringCase: false)
        case .ilike: matches(value, ignoringCase: true)
        case .greater: compare(value).map { $0 > 0 } ?? false
        case .less: compare(value).map { $0 < 0 } ?? false
        }
    }

    private static func isEqual(_ value: JSONValue, _ wanted: String?) -> Bool {
        guard let wanted else { return value == .null }
        if value == .null { return false }
        if case .number(let text) = value, text != wanted, let number = value.doubleValue {
            return Double(wanted) == number
        }
        return value.plainText == wanted
    }

    private func compare(_ value: JSONValue) -> Int? {
        guard value != .null, let wanted = values.first ?? nil else { return nil }
        if case .number = value { return JSONOrder.compare(value, .number(wanted)) }
        return JSONOrder.compare(value, .string(wanted))
    }

    private func matches(_ value: JSONValue, ignoringCase: Bool) -> Bool {
        guard value != .null, let pattern = values.first ?? nil else { return false }
        let text = value.plainText
        return ignoringCase
            ? Self.fits(Array(text.lowercased()), Array(pattern.lowercased())) : Self.fits(Array(text), Array(pattern))
    }

    /// Matches the whole text, where `*` stands for any text. Only the last star is retried, which is linear in
    /// practice.
    private static func fits(_ text: [Character], _ pattern: [Character]) -> Bool {
        var (position, next) = (0, 0)
        var star: (next: Int, position: Int)?
        while position < text.count {
            if next < pattern.count, pattern[next] == "*" {
                star = (next + 1, position)
                next += 1
            } else if next < pattern.count, pattern[next] == text[position] {
                position += 1
                next += 1
            } else if let (afterStar, start) = star {
                star = (afterStar, start + 1)
                position = start + 1
                next = afterStar
            } else {
                return false
            }
        }
        return pattern[next...].allSatisfy { $0 == "*" }
    }
}
