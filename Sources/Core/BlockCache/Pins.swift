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
    func version() throws(Errno) -> Disk.Status? {
        do throws(Errno) {
            return try Disk.status(path)
        } catch {
            if error.rawValue == ENOENT || error.rawValue == ENOTDIR { return nil }
            throw error
        }
    }

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
        try guardian.handOver(toOwnerOf: directory)
        let locked = posix_flock_exclusive(guardian.descriptor, 1)
        guard locked == 0 else { throw Errno(rawValue: -locked) }
        var prefixes = try read().prefixes
        body(&prefixes)
        let temporary = "\(path).\(getpid())"
        do throws(Errno) {
            try fill(temporary, Array(prefixes.sorted().map { $0 + "\n" }.joined().utf8))
            try Disk.rename(temporary, to: path)
        } catch {
            // The cause is what the caller must hear.
            _ = try? Disk.remove(temporary)
            throw error
        }
        // Pins are a person's decision and carry no checksum: they must survive a loss of power.
        try Disk.flushNames(in: directory)
    }

    private func fill(_ path: String, _ bytes: [UInt8]) throws(Errno) {
        let file = try Disk.File(path, O_WRONLY | O_CREAT | O_TRUNC)
        try file.handOver(toOwnerOf: directory)
        try file.write(bytes)
        try file.finish(flush: true)
    }
}
