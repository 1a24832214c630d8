import FileTree
import Glibc
import Support

/// A path below a NeuronFS mount, as the mount and the names below it.
struct MountedPath {
    /// The mount that the path lies in.
    let mount: MountTable.Entry
    /// The names below the mount point, with symbolic links followed: `["mouse", "313862022", "stack"]`. Of a cell they lead
    /// through its own folder, also where the path leads through `trainable/` or `splits/`.
    let components: [String]

    /// The same as ``find(_:)``, for a path that may lie in a mount that does not answer.
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
        return MountedPath(mount: mount, components: own(names(real, below: mount.path), in: mount.path))
    }

    private static func names(_ path: String, below mount: String) -> [String] {
        path.dropFirst(mount.count).split(separator: "/").map(String.init)
    }

    /// The names that lead to the same place through a cell's own folder, so that each of its files has one path:
    /// `splits/train/313862022/stack` is `mouse/313862022/stack`.
    private static func own(_ components: [String], in mount: String) -> [String] {
        guard components.count > 2, ["trainable", "splits"].contains(components[0]) else { return components }
        if let folder = MountChoice.specimenFolder(components[2], in: mount) {
            return names(folder, below: mount) + components.dropFirst(3)
        }
        guard components[0] == "splits" else { return Array(components.dropFirst()) }
        // A folder's cell is called by both names there; either may have a dash.
        for dash in components[2].indices where components[2][dash] == "-" {
            let own = [String(components[2][..<dash]), String(components[2][components[2].index(after: dash)...])]
            if Folder.isDirectory(([mount] + own).joined(separator: "/")) { return own + components.dropFirst(3) }
        }
        return components
    }

    /// Whether the path lies among what a folder source shows: it is on this machine, and nothing of it is cached.
    var isOfFolder: Bool { components.first.map { !TopNames.reserved.contains($0) } ?? false }

    /// Whether `name` is the name of a specimen's folder: an id of the database.
    static func isSpecimenID(_ name: String) -> Bool {
        !name.isEmpty && name.utf8.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
    }

    /// The id of the specimen whose folder is the path or is above it; nil above the specimens' folders.
    var specimen: String? {
        // The name of a layer's folder looks like an id: by-layer/4.
        let isGrouped = components.first?.hasPrefix(Self.groupPrefix) == true
        return components.dropFirst(isGrouped ? 2 : 0).first(where: Self.isSpecimenID)
    }

    /// The beginning of the names of folders that group cells.
    private static let groupPrefix = "by-"

    /// The id of the specimen that has `name` in `folder` as its folder or as a link to it; nil for another name.
    static func specimen(_ name: String, in folder: String) -> String? {
        guard folder.split(separator: "/").last?.hasPrefix(groupPrefix) == true else {
            return isSpecimenID(name) ? name : nil
        }
        guard let target = Folder.linkedName("\(folder)/\(name)"), isSpecimenID(target) else { return nil }
        return target
    }

    /// The specimens of the path: its own, or for a folder of specimens (`splits/train`) all of that folder. A cell may be in
    /// several folders. It is listed once, where it is found first.
    func specimens() throws(Failure) -> [String] {
        if let specimen { return [specimen] }
        var known: Set<String> = []
        return try specimens(below: ([mount.path] + components).joined(separator: "/"), levels: 2)
            .filter { known.insert($0).inserted }
    }

    private func specimens(below folder: String, levels: Int) throws(Failure) -> [String] {
        var found: [String] = []
        // The other folders of the root list the same specimens again.
        for name in folder == mount.path ? ["mouse", "human"] : try Folder.names(folder)
        where try Self.find("\(folder)/\(name)")?.isOfFolder == false {
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

    /// The last name of the path to which the symbolic link `path` points; nil when `path` is no link.
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
