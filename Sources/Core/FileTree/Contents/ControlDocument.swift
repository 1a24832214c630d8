/// Documents of `.neuronfs/` change from moment to moment. They are padded to one size, so that `stat` is true, `cp`
/// copies all of it and no reader sees an end that moves.
enum ControlDocument {
    /// Bytes of each document.
    static let size = 32_768

    /// `text` with line feeds behind it, which JSON and the Prometheus text format permit; a longer text is cut at a
    /// line's end.
    static func padded(_ text: String) -> [UInt8] {
        var bytes = Array(text.utf8)
        if bytes.count > size {
            let end = bytes[..<size].lastIndex(of: UInt8(ascii: "\n")) ?? size
            bytes = Array(bytes[..<end])
        }
        return bytes + Array(repeating: UInt8(ascii: "\n"), count: size - bytes.count)
    }
}
