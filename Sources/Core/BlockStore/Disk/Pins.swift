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

/// The file `pins` of a cache directory: one prefix a line, replaced as a whole.
struct PinFile: Sendable {
    static let name = "pins"
    private static let lockName = "pins.lock"

    let root: CacheRoot

    /// The status of the file, by which a caller sees whether it was replaced. Nil without a file.
    func version() throws(FileFault) -> FileStatus? { try root.version(of: Self.name) }

    /// The pins; none without a file.
    func read() throws(FileFault) -> Pins {
        do throws(FileFault) {
            let file = try root.handle().open(Self.name, O_RDONLY)
            let bytes = try file.read(file.opened.size, at: 0)
            return Pins(String(decoding: bytes, as: UTF8.self).split(separator: "\n").map(String.init))
        } catch {
            if error.isMissing { return Pins([]) }
            throw error
        }
    }

    /// Reads, changes and replaces the list. `pins.lock` keeps two tools from losing each other's change.
    func change(_ body: (inout Set<String>) -> Void) throws(FileFault) {
        let directory = try root.handle()
        let guardian = try directory.open(Self.lockName, O_RDWR | O_CREAT)
        let locked = posix_flock_exclusive(guardian.descriptor, 1)
        guard locked == 0 else { throw FileFault(Self.lockName, Errno(rawValue: -locked)) }
        var prefixes = try read().prefixes
        body(&prefixes)
        let temporary = "\(Self.name).\(getpid())"
        do throws(FileFault) {
            // A leftover of a process that had this number, or a planted file.
            try directory.remove(temporary)
            var file = try directory.open(temporary, O_WRONLY | O_CREAT | O_EXCL)
            try file.write(Array(prefixes.sorted().map { $0 + "\n" }.joined().utf8))
            try file.finish(flush: true)
            try directory.rename(temporary, to: Self.name)
        } catch {
            // The caller needs the cause, not the fault of the clean-up.
            _ = try? directory.remove(temporary)
            throw error
        }
        // Pins are decisions of a person and cannot be fetched again, so they must survive a loss of power.
        try directory.flushNames()
    }
}
