package import Support

/// Documents of `.neuronfs/` change from moment to moment. They are padded to one size, so that `stat` is true, `cp`
/// copies all of it and no reader sees an end that moves.
package enum ControlDocument {
    /// Bytes of each document.
    static let size = 32_768

    /// The text of a document of JSON, which is never cut: one that would be too long has its longest texts shortened until
    /// it fits.
    package static func text(of document: JSONValue) -> String {
        var limit = size
        while true {
            let text = cut(document, to: limit).text(.indented) + "\n"
            if text.utf8.count <= size || limit == 0 { return text }
            limit /= 2
        }
    }

    private static func cut(_ value: JSONValue, to limit: Int) -> JSONValue {
        switch value {
        case .string(let text): return .string(OutsideText.cut(text, to: limit))
        case .array(let values): return .array(values.map { cut($0, to: limit) })
        case .object(let object):
            var result = JSONObject()
            for (key, member) in object.members { result[key] = cut(member, to: limit) }
            return .object(result)
        case .null, .bool, .number: return value
        }
    }

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

/// An open document, which tells what was true at the open.
///
/// The text is made from that at each read: a handle would keep 32 KB of it, and programs that watch a mount open these
/// documents again and again.
private final class ControlOpenFile: OpenFile {
    private let text: @Sendable () -> String

    let keepsPageCache = false
    /// Each handle has bytes of its own.
    let bypassesPageCache = true

    init(_ text: @escaping @Sendable () -> String) { self.text = text }

    func read(offset: Int, count: Int, isDirect: Bool, token: CancellationToken, receiver: any ReadReceiver) {
        let range = clamped(offset: offset, count: count, size: ControlDocument.size)
        // Readers ask once more at the end.
        receiver.deliver(range.isEmpty ? [] : ControlDocument.padded(text()), range.isEmpty ? 0..<0 : range)
    }
}

/// A file of `.neuronfs/`.
struct ControlFileEntry: CatalogueEntry, File {
    let file: ControlFile

    var node: Node { .controlFile(file) }

    func path(_ index: TreeIndex) -> String? { ".neuronfs/\(file.name)" }
    func facts(_ index: TreeIndex) -> Facts? { .file(size: ControlDocument.size, modified: wallClockSeconds()) }

    func open(_ tree: TreeState, token: CancellationToken) -> Answer<any OpenFile> {
        Promise(.success(ControlOpenFile(tree.parts.controlDocument(file))))
    }
}
