import Configuration
import Glibc
import Support

/// The NeuronFS mounts of this machine, as the kernel lists them.
enum MountTable {
    struct Entry: Sendable {
        /// The kernel's number of this mount. No mount of another mount namespace has it.
        var id: Int
        /// The device number of the file system, `0:52`, the same wherever it is mounted.
        var device: String
        var path: String
        var source: String
        var type: String
        /// Number of the user who mounted it, of a FUSE file system.
        var owner: UInt32?

        /// The owner in a sentence.
        var ownerText: String { owner.map { Users.text($0) } ?? "another user" }

        /// Whether this user may trust the mount's status: the mount is this user's, or root's.
        var isTrusted: Bool { owner == geteuid() || owner == 0 }
    }

    /// Every mount of this mount namespace. It comes from /proc, so that no file system is asked, not even a dead one.
    static func all() throws(Failure) -> [Entry] {
        let table: [UInt8]
        do throws(Errno) {
            table = try readWholeFile("/proc/self/mountinfo")
        } catch {
            throw Failure(sentence: "cannot read /proc/self/mountinfo: \(error)")
        }
        return entries(String(decoding: table, as: UTF8.self))
    }

    /// The mounts that a `mountinfo` of /proc lists.
    static func entries(_ table: String) -> [Entry] {
        table.split(separator: "\n").compactMap { line in
            // proc(5): (1) id (2) parent's id (3) major:minor (4) root (5) mount point ... - (1) type (2) source (3) options
            let halves = line.components(separatedBy: " - ")
            guard halves.count == 2 else { return nil }
            let left = halves[0].split(separator: " ")
            let right = halves[1].split(separator: " ")
            guard left.count > 4, right.count > 1, let id = Int(left[0]) else { return nil }
            let user = right.last?.split(separator: ",").first { $0.hasPrefix("user_id=") }
            return Entry(
                id: id, device: String(left[2]), path: unescaped(left[4]), source: unescaped(right[1]),
                type: String(right[0]),
                owner: user.flatMap { UInt32($0.dropFirst("user_id=".count)) })
        }
    }

    /// The NeuronFS mounts.
    static func neuronFS() throws(Failure) -> [Entry] { try all().filter { $0.type == "fuse.neuronfs" } }

    /// The topmost mount on `path`, of whatever type.
    static func mount(on path: String) throws(Failure) -> Entry? { try all().last { $0.path == path } }

    /// `path` from the root, without symbolic links, as the kernel lists mounts. Names that do not exist yet stay as they are,
    /// and so do names in a NeuronFS mount. It is not entered, because it may not answer.
    ///
    /// - Throws: when `path` is relative to a working directory that is gone, or a name on the way is not UTF-8.
    static func absolute(_ path: String) throws(Failure) -> String { try walk(path).place }

    /// The first NeuronFS mount along `path`; nil when there is none. It is not entered.
    static func mount(onTheWayTo path: String) throws(Failure) -> Entry? { try walk(path).mount }

    /// Most links that Linux follows in a path (path_resolution(7)).
    private static let mostLinks = 40

    private static func walk(_ path: String) throws(Failure) -> (place: String, mount: Entry?) {
        let full: String
        do throws(ConfigurationError) {
            full = try Paths.absolute(path)
        } catch {
            throw Failure(error)
        }
        let mounts = try neuronFS()
        var met: Entry?
        var place = ""
        var links = 0
        var rest = Array(full.split(separator: "/").reversed())
        while let part = rest.popLast() {
            if part == "." { continue }
            if part == ".." {
                place = String(place[..<(place.lastIndex(of: "/") ?? place.startIndex)])
                continue
            }
            let next = "\(place)/\(part)"
            met = met ?? mounts.last { $0.path == next }
            let isInside = mounts.contains { next == $0.path || next.hasPrefix($0.path + "/") }
            guard !isInside, links < mostLinks, let target = try link(next) else {
                place = next
                continue
            }
            links += 1
            if target.hasPrefix("/") { place = "" }
            rest += target.split(separator: "/").reversed()
        }
        return (place.isEmpty ? "/" : place, met)
    }

    /// The target of a symbolic link; nil for another file.
    private static func link(_ path: String) throws(Failure) -> String? {
        var text = [CChar](repeating: 0, count: Int(PATH_MAX))
        let length = unsafe readlink(path, &text, text.count)
        guard length > 0 else { return nil }
        guard let target = String(validating: text[..<length].map { UInt8(bitPattern: $0) }, as: UTF8.self) else {
            throw Failure(
                sentence: "\(path) leads to a name that is not UTF-8, which all names of neuronfs are", code: 2)
        }
        return target
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
