import Glibc
import Support

/// A path below a NeuronFS mount, taken apart.
struct MountedPath {
    /// The mount it is in.
    let mount: MountTable.Entry
    /// What follows the mount point, symbolic links followed: `["mouse", "313862022", "stack"]`.
    let components: [String]

    /// ``find(_:)`` of a path that a user names, which may lie in a mount that does not answer.
    ///
    /// - Throws: when `path` cannot be looked up, or the mount on the way to it does not answer.
    static func findAnswering(_ path: String) throws(Failure) -> MountedPath? {
        if let mount = try MountTable.mount(onTheWayTo: path),
            let trouble = MountState(of: mount.path).trouble(of: mount)
        {
            throw Failure(sentence: "\(mount.path) \(trouble)")
        }
        return try find(path)
    }

    /// The mount that `path` lies in; nil when it lies in none.
    ///
    /// - Throws: when `path` cannot be looked up.
    static func find(_ path: String) throws(Failure) -> MountedPath? {
        guard let resolved = unsafe realpath(path, nil) else {
            throw Failure(sentence: "cannot look up \(path): \(Errno.current)", code: 2)
        }
        defer { unsafe free(resolved) }
        let real = unsafe String(cString: resolved)
        // The innermost mount: a mount may stand below another.
        let mounts = try MountTable.neuronFS().filter { real == $0.path || real.hasPrefix($0.path + "/") }
        guard let mount = mounts.max(by: { $0.path.count < $1.path.count }) else { return nil }
        return MountedPath(
            mount: mount, components: real.dropFirst(mount.path.count).split(separator: "/").map(String.init))
    }

    /// Whether `name` is that of a specimen's folder: an id of the database.
    static func isSpecimenID(_ name: String) -> Bool {
        !name.isEmpty && name.utf8.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
    }

    /// The id of the specimen that the path is of, or lies in; nil above the specimens' folders.
    var specimen: String? {
        // The folder of a layer is named like an id: by-layer/4.
        let isGrouped = components.first?.hasPrefix(Self.groupPrefix) == true
        return components.dropFirst(isGrouped ? 2 : 0).first(where: Self.isSpecimenID)
    }

    /// What the folders of groups and of names begin with.
    private static let groupPrefix = "by-"

    /// The id of the specimen that `name` in `folder` is the folder of, or a link to; nil for any other.
    static func specimen(_ name: String, in folder: String) -> String? {
        guard folder.split(separator: "/").last?.hasPrefix(groupPrefix) == true else {
            return isSpecimenID(name) ? name : nil
        }
        guard let target = Folder.linkedName("\(folder)/\(name)"), isSpecimenID(target) else { return nil }
        return target
    }

    /// The specimens of the path: its own, or for a folder of specimens (`splits/train`) all of that folder. Each once,
    /// in the order of the names by which it is first met: a cell is in many a folder.
    func specimens() throws(Failure) -> [String] {
        if let specimen { return [specimen] }
        var known: Set<String> = []
        return try specimens(below: ([mount.path] + components).joined(separator: "/"), levels: 2)
            .filter { known.insert($0).inserted }
    }

    private func specimens(below folder: String, levels: Int) throws(Failure) -> [String] {
        var found: [String] = []
        // The other folders of the root list the same specimens again.
        for name in folder == mount.path ? ["mouse", "human"] : try Folder.names(folder) {
            if let specimen = Self.specimen(name, in: folder) {
                found.append(specimen)
            } else if levels > 0, Folder.isDirectory("\(folder)/\(name)") {
                found += try specimens(below: "\(folder)/\(name)", levels: levels - 1)
            }
        }
        return found
    }
}

/// Directories as lists of names.
enum Folder {
    /// The names in `path` without "." and "..", sorted.
    static func names(_ path: String) throws(Failure) -> [String] {
        guard let handle = unsafe opendir(path) else {
            throw Failure(sentence: "cannot list \(path): \(Errno.current)", code: 2)
        }
        defer { unsafe closedir(handle) }
        var names: [String] = []
        while true {
            errno = 0
            guard let entry = unsafe readdir(handle) else {
                guard errno == 0 else { throw Failure(sentence: "cannot list \(path): \(Errno.current)") }
                return names.sorted()
            }
            let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                unsafe String(cString: UnsafeRawPointer(pointer).assumingMemoryBound(to: CChar.self))
            }
            if name != ".", name != ".." { names.append(name) }
        }
    }

    /// The last part of what the symbolic link `path` points to; nil when it is no link.
    static func linkedName(_ path: String) -> String? {
        var bytes = [UInt8](repeating: 0, count: Int(PATH_MAX))
        let count = unsafe bytes.withUnsafeMutableBytes { buffer -> Int in
            guard let base = buffer.baseAddress else { return -1 }
            return unsafe readlink(path, base.assumingMemoryBound(to: CChar.self), buffer.count)
        }
        guard count > 0 else { return nil }
        return String(decoding: bytes[..<count], as: UTF8.self).split(separator: "/").last.map(String.init)
    }

    /// Whether `path` is a directory, or a link to one.
    static func isDirectory(_ path: String) -> Bool {
        var status = stat()
        return unsafe stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
    }
}
