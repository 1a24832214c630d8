import Support

/// `.neuronfs/status.json` of a mount, read by the commands.
enum MountStatus {
    /// The document; nil when the mount does not answer (``MountState``) or is of another version.
    static func read(_ path: String) -> JSONValue? {
        guard case .alive(let document) = MountState(of: path) else { return nil }
        return document
    }

    /// Prints `document` with a line for each value, sections indented.
    static func print(_ document: JSONValue) { print(document, indent: "") }

    private static func print(_ value: JSONValue, indent: String) {
        for (key, member) in value.objectValue?.members ?? [] {
            let label = key.replacing("_", with: " ")
            if member.objectValue != nil {
                Output.line("\(indent)\(label)")
                print(member, indent: indent + "  ")
            } else {
                let text = member.stringValue ?? member.text()
                let gap = String(repeating: " ", count: max(1, 22 - label.count))
                Output.line("\(indent)\(label)\(gap)\(key.hasSuffix("bytes") ? human(member) : text)")
            }
        }
    }

    private static func human(_ value: JSONValue) -> String {
        guard var amount = value.doubleValue else { return value.text() }
        for unit in ["B", "KiB", "MiB", "GiB"] {
            if amount < 1024 { return "\((amount * 10).rounded() / 10) \(unit)" }
            amount /= 1024
        }
        return "\((amount * 10).rounded() / 10) TiB"
    }
}
