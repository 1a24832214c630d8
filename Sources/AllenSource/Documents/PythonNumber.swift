/// Numbers as Python writes them after reading them.
enum PythonNumber {
    /// What `repr(json.loads(text))` gives. An integer keeps its digits, whatever its length. A number with a point or an
    /// exponent becomes the shortest text that gives the same double. Nil where the double is infinite: simplejson writes
    /// null for it with `ignore_nan`.
    static func repeated(_ text: String) -> String? {
        guard text.utf8.contains(where: { $0 == UInt8(ascii: ".") || $0 | 0x20 == UInt8(ascii: "e") }) else {
            return text == "-0" ? "0" : text
        }
        guard let value = Double(text), value.isFinite else { return nil }
        return repr(value)
    }

    /// `float.__repr__`: exponent notation below 1e-4 and from 1e16 on (CPython `Python/pystrtod.c`, format code 'r').
    /// Swift chooses the same digits and other limits.
    static func repr(_ value: Double) -> String {
        let sign = value.sign == .minus ? "-" : ""
        if value == 0 { return sign + "0.0" }
        let (digits, exponent) = decimal(value.magnitude)
        let length = digits.utf8.count
        if exponent < -4 || exponent >= 16 {
            let fraction = length > 1 ? ".\(digits.dropFirst())" : ""
            let magnitude = String(exponent.magnitude)
            let padded = magnitude.utf8.count < 2 ? "0\(magnitude)" : magnitude
            return "\(sign)\(digits.prefix(1))\(fraction)e\(exponent < 0 ? "-" : "+")\(padded)"
        }
        if exponent < 0 { return "\(sign)0.\(String(repeating: "0", count: -exponent - 1))\(digits)" }
        if length <= exponent + 1 { return "\(sign)\(digits)\(String(repeating: "0", count: exponent + 1 - length)).0" }
        return "\(sign)\(digits.prefix(exponent + 1)).\(digits.dropFirst(exponent + 1))"
    }

    /// The shortest digits, without zeros at either end, and the exponent of ten of the first one.
    private static func decimal(_ value: Double) -> (digits: String, exponent: Int) {
        let parts = value.description.split(separator: "e")
        let mantissa = parts[0].split(separator: ".", omittingEmptySubsequences: false)
        let whole = String(mantissa[0])
        let all = whole + (mantissa.count > 1 ? String(mantissa[1]) : "")
        let leading = all.prefix { $0 == "0" }.count
        var digits = String(all.dropFirst(leading))
        while digits.count > 1, digits.hasSuffix("0") { digits.removeLast() }
        let exponent = parts.count > 1 ? Int(parts[1]) ?? 0 : 0
        return (digits, exponent + whole.utf8.count - 1 - leading)
    }
}
