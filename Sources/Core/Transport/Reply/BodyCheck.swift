/// Checks the first and last bytes of a body as it passes.
struct BodyCheck {
    private let kind: BodyKind
    private let typeIsKnown: Bool
    private var opening: [UInt8] = []
    private var closing: [UInt8] = []
    private var judged = false

    /// Bytes kept from the beginning: enough for `<!doctype html`.
    private static let openingBytes = 16
    /// Bytes kept from the end: the closing mark and some padding after it.
    private static let closingBytes = 64

    /// - Parameters:
    ///   - kind: what the body must be; `.any` checks nothing.
    ///   - typeIsKnown: for `.bytes`, whether a Content-Type has already excluded a web page. Without one, the first
    /// bytes decide.
    init(kind: BodyKind, typeIsKnown: Bool) {
        self.kind = kind
        self.typeIsKnown = typeIsKnown
    }

    /// Takes the next bytes. A fault ends the transfer.
    mutating func take(_ bytes: UnsafeRawBufferPointer) -> Fault? {
        guard kind != .any, unsafe !bytes.isEmpty else { return nil }
        if bytes.count >= Self.closingBytes {
            closing = unsafe Array(bytes.suffix(Self.closingBytes))
        } else {
            closing = unsafe Array((closing + bytes).suffix(Self.closingBytes))
        }
        guard !judged else { return nil }
        for index in 0..<bytes.count {
            let byte = unsafe bytes[index]
            if opening.count == Self.openingBytes { break }
            if opening.isEmpty, kind != .jpeg, Self.isBlank(byte) { continue }
            opening.append(byte)
        }
        guard opening.count == Self.openingBytes else { return nil }
        judged = true
        return judgeOpening()
    }

    /// Judges the end of a complete body.
    mutating func finish() -> Fault? {
        if kind == .any { return nil }
        if !judged, let fault = judgeOpening() { return fault }
        switch kind {
        case .json:
            let last = closing.last { !Self.isBlank($0) }
            let bracket = opening.first == UInt8(ascii: "{") ? UInt8(ascii: "}") : UInt8(ascii: "]")
            return last == bracket ? nil : Fault(.badShape, "JSON without its end")
        case .jpeg:
            // Some encoders pad after the end-of-image marker.
            var end = closing[...]
            while let last = end.last, last == 0 || last == 0x0A || last == 0x0D { end.removeLast() }
            return end.suffix(2) == [0xFF, 0xD9] ? nil : Fault(.badShape, "JPEG without its end marker")
        case .bytes, .any:
            return nil
        }
    }

    private func judgeOpening() -> Fault? {
        switch kind {
        case .json:
            // A byte order mark is not JSON (RFC 8259, 8.1), and is refused with the rest.
            let first = opening.first
            let fits = first == UInt8(ascii: "{") || first == UInt8(ascii: "[")
            return fits ? nil : Fault(.badShape, opening.isEmpty ? "an empty body in place of json" : "no JSON")
        case .jpeg:
            return opening.prefix(3) == [0xFF, 0xD8, 0xFF] ? nil : Fault(.badShape, "no JPEG")
        case .bytes:
            guard !typeIsKnown else { return nil }
            let text = String(decoding: opening, as: UTF8.self).lowercased()
            let isPage = text.hasPrefix("<!doctype html") || text.hasPrefix("<html")
            return isPage ? Fault(.badShape, "a web page in place of data") : nil
        case .any:
            return nil
        }
    }

    private static func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || (9...13).contains(byte) }
}
