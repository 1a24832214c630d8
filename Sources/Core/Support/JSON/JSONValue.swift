/// A JSON value (RFC 8259). It keeps the order of keys and the spelling of numbers, which `JSONSerialization` loses. So
/// a table can be written byte for byte as its own client would write it.
package enum JSONValue: Hashable, Sendable {
    /// `null`.
    case null
    /// `true` or `false`.
    case bool(Bool)
    /// A number as it is spelled in the text, for example `90.0`.
    case number(String)
    /// A string, escapes resolved.
    case string(String)
    /// An array.
    case array([JSONValue])
    /// An object; keys in the order of the text, a repeated key keeps its last value.
    case object(JSONObject)

    /// A number from an integer.
    package static func int(_ value: Int) -> JSONValue { .number(String(value)) }

    /// A number from a double. Not-a-number and infinity become `null`, because JSON has no such numbers.
    package static func double(_ value: Double) -> JSONValue { value.isFinite ? .number(value.description) : .null }

    /// The member `key` of an object; `nil` when there is no such member or this is no object.
    package subscript(key: String) -> JSONValue? {
        if case .object(let object) = self { return object[key] }
        return nil
    }

    /// The text of a string.
    package var stringValue: String? {
        if case .string(let text) = self { return text }
        return nil
    }

    /// The value of a number, or of a string that contains one (the API writes some ids as strings).
    package var intValue: Int? {
        switch self {
        case .number(let text), .string(let text):
            if let value = Int(text) { return value }
            guard let value = Double(text), value.rounded() == value, abs(value) < 9e15 else { return nil }
            return Int(value)
        default: return nil
        }
    }

    /// The value of a number, or of a string that contains one; never infinite or not a number.
    package var doubleValue: Double? {
        switch self {
        case .number(let text), .string(let text):
            guard let value = Double(text), value.isFinite else { return nil }
            return value
        default: return nil
        }
    }

    /// The value of a boolean.
    package var boolValue: Bool? {
        if case .bool(let value) = self { return value }
        return nil
    }

    /// The elements of an array.
    package var arrayValue: [JSONValue]? {
        if case .array(let values) = self { return values }
        return nil
    }

    /// The members of an object.
    package var objectValue: JSONObject? {
        if case .object(let object) = self { return object }
        return nil
    }
}

extension JSONValue: ExpressibleByStringLiteral, ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral {
    /// A string from a literal.
    package init(stringLiteral value: String) { self = .string(value) }

    /// An array from a literal.
    package init(arrayLiteral elements: JSONValue...) { self = .array(elements) }

    /// An object from a literal, members in its order.
    package init(dictionaryLiteral elements: (String, JSONValue)...) {
        var object = JSONObject()
        for (key, value) in elements { object[key] = value }
        self = .object(object)
    }
}
