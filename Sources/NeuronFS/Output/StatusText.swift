import Support

/// The status of a mount for people.
enum StatusText {
    /// Three lines: the mount, its cache, and its activity. One line for a mount that does not answer.
    static func summary(_ document: JSONValue) -> [String] {
        let path = document["mount_point"]?.stringValue ?? "?"
        guard let pid = document["pid"]?.intValue else {
            return ["\(path)  \(document["state"]?.stringValue ?? "?")"]
        }
        let cells = document["catalogue"]?["cells"]?.intValue ?? 0
        let endpoint = document["endpoint"]?.stringValue ?? "?"
        let time = ProgressBar.duration(document["uptime_seconds"]?.doubleValue ?? 0)
        return [
            "\(path)  serves \(cells) cells of \(endpoint), for \(time) (pid \(pid))", "  cache  \(cache(document))",
            "  now    \(activity(document))",
        ]
    }

    private static func cache(_ document: JSONValue) -> String {
        let cache = document["cache"]
        func bytes(_ name: String) -> String { ByteText.text(cache?[name]?.intValue ?? 0) }
        let trouble = cache?["writable"]?.boolValue == false ? ", accepts no blocks at the moment" : ""
        return "\(bytes("size_bytes")) of at most \(bytes("limit_bytes")) in "
            + "\(cache?["directory"]?.stringValue ?? "?")\(trouble)"
    }

    private static func activity(_ document: JSONValue) -> String {
        let waiting = document["readers"]?["waiting"]?.intValue ?? 0
        let network = document["network"]
        var parts = ["\(waiting) \(waiting == 1 ? "reader waits" : "readers wait")"]
        parts.append("\(network?["requests"]?.intValue ?? 0) requests, \(network?["failed"]?.intValue ?? 0) failed")
        if let fetched = document["catalogue"]?["fetched_at"]?.doubleValue {
            parts.append("list of cells of \(DateText.text(secondsSince1970: fetched))")
        }
        if let error = document["catalogue"]?["sync_error"]?.stringValue {
            parts.append("the last sync failed: \(error)")
        }
        if let reason = document["catalogue"]?["refused_list"]?["reason"]?.stringValue {
            parts.append("the newest list of cells is not taken (neuronfs sync --accept): \(reason)")
        }
        let unreachable = network?["unreachable"]?.arrayValue?.compactMap(\.stringValue) ?? []
        if !unreachable.isEmpty { parts.append("out of reach: \(unreachable.joined(separator: ", "))") }
        return parts.joined(separator: "; ")
    }

    /// A line for each value of `document`, sections indented.
    static func everything(_ document: JSONValue) -> [String] { lines(document, indent: "") }

    private static func lines(_ value: JSONValue, indent: String) -> [String] {
        (value.objectValue?.members ?? []).flatMap { key, member -> [String] in
            let label = key.replacing("_", with: " ")
            guard member.objectValue == nil else { return ["\(indent)\(label)"] + lines(member, indent: indent + "  ") }
            let gap = String(repeating: " ", count: max(1, 22 - label.count))
            return ["\(indent)\(label)\(gap)\(text(member, key: key))"]
        }
    }

    private static func text(_ value: JSONValue, key: String) -> String {
        if key.hasSuffix("bytes"), let bytes = value.intValue { return ByteText.text(bytes) }
        if key.hasSuffix("_at"), let seconds = value.doubleValue { return DateText.text(secondsSince1970: seconds) }
        return value.stringValue ?? value.text()
    }
}
