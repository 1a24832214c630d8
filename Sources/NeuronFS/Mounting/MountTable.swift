import Glibc
import Support

/// The NeuronFS mounts of this machine, as the kernel lists them.
enum MountTable {
    struct Entry: Sendable {
        var path: String
        var source: String
        var type: String
    }

    /// Every mount of this mount namespace. From /proc, so that no file system is asked, not even a dead one.
    static func all() throws(Failure) -> [Entry] {
        let table: [UInt8]
        do throws(Errno) {
            table = try readWholeFile("/proc/self/mountinfo")
        } catch {
            throw Failure(sentence: "cannot read /proc/self/mountinfo: \(error)")
        }
        return String(decoding: table, as: UTF8.self).split(separator: "\n").compactMap { line in
            // proc(5): ... (5) mount point ... - (1) type (2) source
            let halves = line.components(separatedBy: " - ")
            guard halves.count == 2 else { return nil }
            let left = halves[0].split(separator: " ")
            let right = halves[1].split(separator: " ")
            guard left.count > 4, right.count > 1 else { return nil }
            return Entry(path: unescaped(left[4]), source: unescaped(right[1]), type: String(right[0]))
        }
    }

    /// The NeuronFS mounts.
    static func neuronFS() throws(Failure) -> [Entry] { try all().filter { $0.type == "fuse.neuronfs" } }

    /// The topmost mount on `path`, of whatever type.
    static func mount(on path: String) throws(Failure) -> Entry? { try all().last { $0.path == path } }

    /// `path` made absolute without asking the last component, which may be a dead mount.
    static func absolute(_ path: String) -> String {
        var trimmed = path
        while trimmed.count > 1, trimmed.hasSuffix("/") { trimmed.removeLast() }
        let slash = trimmed.lastIndex(of: "/")
        let parent = slash.map { $0 == trimmed.startIndex ? "/" : String(trimmed[..<$0]) } ?? "."
        let name = slash.map { String(trimmed[trimmed.index(after: $0)...]) } ?? trimmed
        guard name != ".", name != "..", let real = unsafe realpath(parent, nil) else {
            guard let real = unsafe realpath(trimmed, nil) else { return trimmed }
            defer { unsafe free(real) }
            return unsafe String(cString: real)
        }
        defer { unsafe free(real) }
        let base = unsafe String(cString: real)
        let joined = base == "/" ? "/\(name)" : "\(base)/\(name)"
        // A symbolic link to the mount point: the kernel lists the place it points to.
        guard isLink(joined), let target = unsafe realpath(joined, nil) else { return joined }
        defer { unsafe free(target) }
        return unsafe String(cString: target)
    }

    private static func isLink(_ path: String) -> Bool {
        var status = stat()
        return unsafe lstat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFLNK
    }

    /// Octal escapes of /proc/self/mountinfo: `\040` is a blank.
    private static func unescaped(_ text: Substring) -> String {
        var bytes: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let byte = rest.popFirst() {
            if byte == UInt8(ascii: "\\"), rest.count >= 3,
                let code = UInt8(String(decoding: rest.prefix(3), as: UTF8.self), radix: 8)
            {
                bytes.append(code)
                rest = rest.dropFirst(3)
            } else {
                bytes.append(byte)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}

extension Substring {
    fileprivate func components(separatedBy separator: String) -> [Substring] {
        guard let range = firstRange(of: separator) else { return [self] }
        return [self[..<range.lowerBound], self[range.upperBound...]]
    }
}
