internal import Specimens

/// Hashes of some files: of their names and versions.
struct VersionHash: Hashable, Sendable {
    /// Also of the numbers that the files have on this machine.
    private(set) var exact: UInt64 = 0
    /// Of names, sizes and times alone: the same for a copy that keeps the times.
    private(set) var content: UInt64 = 0

    init(_ files: [FoundFile]) {
        for file in files {
            exact = Self.add(file.path, file.version.text, to: exact)
            content = Self.add(file.path, file.version.content, to: content)
        }
    }

    /// The hashes of these files and of `more`.
    func followed(by more: [FoundFile]) -> VersionHash {
        let other = VersionHash(more)
        var both = self
        both.exact = StableHash.mixed(exact) ^ other.exact
        both.content = StableHash.mixed(content) ^ other.content
        return both
    }

    private static func add(_ path: String, _ version: String, to hash: UInt64) -> UInt64 {
        StableHash.mixed(hash ^ StableHash.fnv1a("\(path)\u{0}\(version)".utf8))
    }
}
