internal import Support

/// Turns texts of the catalogue into names that a folder can have.
package enum FolderName {
    /// `NAME_MAX` of Linux file systems, bytes.
    static let longest = 255

    /// `title` with `/` written `-` (`2/3` becomes `2-3`), what a terminal obeys `_`, and a leading dot `_`, so that no
    /// entry is hidden or means a folder above. Names over 255 bytes end in `~` and a checksum of the whole.
    static func safe(_ title: String) -> String {
        var scalars = String.UnicodeScalarView()
        for scalar in title.unicodeScalars {
            switch scalar.value {
            case 0x2F: scalars.append("-")
            case _ where OutsideText.isObeyed(scalar): scalars.append("_")
            default: scalars.append(scalar)
            }
        }
        if let first = scalars.first, first == "." { scalars.replaceSubrange(...scalars.startIndex, with: ["_"]) }
        let name = String(scalars)
        if name.isEmpty { return "_" }
        return name.utf8.count > longest ? suffixed(name, with: checksum(title)) : name
    }

    /// A name for each of `titles`, no two alike.
    ///
    /// Where two titles give the same name, the one that is spelt like it keeps it, else the first in order; the others
    /// get `~` and a checksum of their title.
    package static func unique(_ titles: [String]) -> [String] {
        let names = titles.map(safe)
        var owners: [String: Int] = [:]
        for (index, name) in names.enumerated() {
            guard let owner = owners[name] else {
                owners[name] = index
                continue
            }
            if titles[owner] != name, titles[index] == name { owners[name] = index }
        }
        var taken = Set(owners.keys)
        // What was tried last for a name, so that many that are alike do not each begin at 2.
        var counts: [String: Int] = [:]
        return names.enumerated().map { index, name in
            if owners[name] == index { return name }
            let first = suffixed(name, with: checksum(titles[index]))
            var attempt = first
            var count = counts[first] ?? 1
            while !taken.insert(attempt).inserted {
                count += 1
                attempt = suffixed(name, with: "\(checksum(titles[index]))-\(count)")
            }
            counts[first] = count
            return attempt
        }
    }

    private static func checksum(_ title: String) -> String {
        let digits = String(CRC32C.checksum(Array(title.utf8)), radix: 16)
        return String(repeating: "0", count: 8 - digits.count) + digits
    }

    /// `name`, cut between characters where it has to be, then `~` and `suffix`.
    private static func suffixed(_ name: String, with suffix: String) -> String {
        var name = name
        while name.utf8.count + 1 + suffix.utf8.count > longest { name.removeLast() }
        return "\(name)~\(suffix)"
    }
}
