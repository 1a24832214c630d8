import CPosix
import Glibc
import Support

/// Prefixes of object ids that are never evicted.
struct Pins: Equatable, Sendable {
    let prefixes: Set<String>

    init(_ prefixes: some Sequence<String>) { self.prefixes = Set(prefixes) }

    /// Whether one of the prefixes is `id` or ends before one of its slashes: `313862022` covers
    /// `313862022/image/321549654` and not `3138620221/...`.
    func cover(_ id: String) -> Bool {
        guard !prefixes.isEmpty else { return false }
        if prefixes.contains(id) { return true }
        var end = id.startIndex
        while let slash = id[end...].firstIndex(of: "/") {
            if prefixes.contains(String(id[..<slash])) { return true }
            end = id.index(after: slash)
        }
        return false
    }
}

/// The file `<directory>/pins`: one prefix a line, replaced as a whole.
struct PinFile: Sendable {
    let directory: String

    private var path: String { "\(directory)/pins" }

    /// Tells one version of the file from another; nil without a file.
    func version() -> Disk.Status? { try? Disk.status(path) }

    /// The pins; none without a file.
    func read() throws(Errno) -> Pins {
        let file: Disk.File
        do throws(Errno) {
            file = try Disk.File(path, O_RDONLY)
        } catch {
            if error.rawValue == ENOENT || error.rawValue == ENOTDIR { return Pins([]) }
            throw error
        }
        let bytes = try file.read(file.status().size, at: 0)
        return Pins(String(decoding: bytes, as: UTF8.self).split(separator: "\n").map(String.init))
    }

    /// Reads, changes and replaces the list. `pins.lock` keeps two tools from losing each other's change.
    func change(_ body: (inout Set<String>) -> Void) throws(Errno) {
        let guardian = try Disk.File("\(directory)/pins.lock", O_RDWR | O_CREAT)
        let locked = posix_flock_exclusive(guardian.descriptor, 1)
        guard locked == 0 else { throw Errno(rawValue: -locked) }
        var prefixes = try read().prefixes
        body(&prefixes)
        let temporary = "\(path).\(getpid())"
        let file = try Disk.File(temporary, O_WRONLY | O_CREAT | O_TRUNC)
        try file.write(Array(prefixes.sorted().map { $0 + "\n" }.joined().utf8))
        // Pins are a person's decision and carry no checksum: they must survive a loss of power.
        try file.finish(flush: true)
        try Disk.rename(temporary, to: path)
    }
}
