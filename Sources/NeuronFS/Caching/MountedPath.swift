import Glibc
import Support

/// A path below a NeuronFS mount, taken apart.
struct MountedPath {
    /// The mount it is in.
    let mount: MountTable.Entry
    /// What follows the mount point, symbolic links followed: `["mouse", "313862022", "stack"]`.
    let components: [String]

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
    var specimen: String? { components.first(where: Self.isSpecimenID) }

    /// The specimens of the path: its own, or for a folder of specimens (`splits/train`) all of that folder.
    func specimens() throws(Failure) -> [String] {
        if let specimen { return [specimen] }
        return try specimens(below: ([mount.path] + components).joined(separator: "/"), levels: 2)
    }

    private func specimens(below folder: String, levels: Int) throws(Failure) -> [String] {
        var found: [String] = []
        for name in try Folder.names(folder) {
            if Self.isSpecimenID(name) {
                found.append(name)
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

    /// Whether `path` is a directory, or a link to one.
    static func isDirectory(_ path: String) -> Bool {
        var status = stat()
        return unsafe stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
    }
}
