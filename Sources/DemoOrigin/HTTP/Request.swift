/// The parts of an HTTP request that the origin uses.
struct Request: Sendable {
    var method: String
    /// Percent-decoded path.
    var path: String
    /// Percent-decoded parameters, in order.
    var parameters: [(name: String, value: String)]
    /// Names in lower case.
    var headers: [String: String]

    init(method: String = "GET", target: String, headers: [String: String] = [:]) {
        let parts = target.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        self.method = method
        self.path = Self.decoded(parts[0], plusIsSpace: false)
        self.parameters =
            parts.count < 2
            ? []
            : parts[1].split(separator: "&").map { pair in
                let sides = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
                return (
                    Self.decoded(sides[0], plusIsSpace: true),
                    sides.count > 1 ? Self.decoded(sides[1], plusIsSpace: true) : ""
                )
            }
        self.headers = headers
    }

    subscript(parameter name: String) -> String? { parameters.first { $0.name == name }?.value }

    func integer(_ name: String) -> Int? { self[parameter: name].flatMap { Int($0) } }

    /// A percent sign that begins no escape is kept as it is.
    private static func decoded(_ text: Substring, plusIsSpace: Bool) -> String {
        let source = Array(text.utf8)
        var bytes: [UInt8] = []
        var index = 0
        while index < source.count {
            if source[index] == UInt8(ascii: "%"), index + 2 < source.count,
                let high = digit(source[index + 1]), let low = digit(source[index + 2])
            {
                bytes.append(high << 4 | low)
                index += 3
            } else {
                bytes.append(plusIsSpace && source[index] == UInt8(ascii: "+") ? UInt8(ascii: " ") : source[index])
                index += 1
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    private static func digit(_ byte: UInt8) -> UInt8? {
        Character(Unicode.Scalar(byte)).hexDigitValue.map { UInt8($0) }
    }
}
