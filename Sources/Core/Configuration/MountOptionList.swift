import Support

/// `-o` of mount(8) and fstab(5): `cache-size=20G,offline,nodev`.
package enum MountOptionList {
    /// Options of every file system, which mount(8) passes on. They change nothing: this file system is read-only, without
    /// devices and without programs that change identity.
    private static let standard: Set<String> = [
        "ro", "rw", "dev", "nodev", "suid", "nosuid", "exec", "noexec", "atime", "noatime", "relatime", "norelatime",
        "strictatime", "diratime", "nodiratime", "lazytime", "nolazytime", "sync", "async", "dirsync", "auto", "noauto",
        "user", "nouser", "users", "owner", "group", "defaults", "nofail", "silent", "loud", "remount", "-netdev",
        "default-permissions", "auto-unmount",
    ]
    private static let standardWithValue: Set<String> = ["user", "fsname", "subtype", "comment", "context"]

    /// The text of each option of this program, by its name. A flag alone is "true".
    ///
    /// - Throws: for a word that is no option of this program or of every file system, a sentence that names it.
    package static func parse(_ lists: [String]) throws(ConfigurationError) -> [String: String] {
        var values: [String: String] = [:]
        for item in lists.flatMap(items) {
            let halves = item.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let name = String(halves[0]).replacing("_", with: "-")
            if Settings.names.contains(name) {
                let text = halves.count == 2 ? String(halves[1]) : "true"
                values[name] = Settings.isList(name) ? (values[name].map { "\($0)\n" } ?? "") + text : text
            } else if name.hasPrefix("x-")
                || (halves.count == 1 ? standard.contains(name) : standardWithValue.contains(name))
            {
                continue
            } else {
                let unknown = SecretText.masked(String(halves[0]))
                // A value with an @ may hold a password.
                let shown = item.contains("@") ? unknown : item
                throw ConfigurationError("-o \(shown): no option is called \(unknown)")
            }
        }
        return values
    }

    /// The parts between commas; `\,` is a comma that belongs to a part.
    private static func items(_ list: String) -> [String] {
        var items = [""]
        var isEscaped = false
        for character in list {
            if isEscaped {
                items[items.count - 1].append(character)
                isEscaped = false
            } else if character == "\\" {
                isEscaped = true
            } else if character == "," {
                items.append("")
            } else {
                items[items.count - 1].append(character)
            }
        }
        return items.filter { !$0.isEmpty }
    }
}
