import Configuration
import Glibc

/// Finds the mount that a command works on.
enum MountChoice {
    /// The NeuronFS mount on `path`, or the innermost mount that `path` lies in, in any state.
    static func entry(_ path: String) throws(Failure) -> MountTable.Entry {
        let absolute = try MountTable.absolute(path)
        guard let mount = try holding(absolute) else {
            throw Failure(sentence: "no NeuronFS is mounted on \(absolute)", code: 2)
        }
        return mount
    }

    /// The NeuronFS mount on or around `path`, or all mounts of this machine, with their states.
    static func looked(_ path: String?) throws(Failure) -> [(mount: MountTable.Entry, state: MountState)] {
        guard let path else { return MountState.all(of: try MountTable.neuronFS()) }
        return MountState.all(of: [try entry(path)])
    }

    /// The NeuronFS mount on or around `path`. Without a path the one that the working directory lies in, else the first
    /// of this machine that answers.
    ///
    /// - Throws: when there is none, or the one on `path` does not answer.
    static func path(_ path: String?) throws(Failure) -> String {
        guard let path else { return try candidates()[0] }
        let mount = try entry(path)
        if let trouble = MountState(of: mount.path).trouble(of: mount) {
            throw Failure(sentence: "\(mount.path) \(trouble)")
        }
        return mount.path
    }

    /// The folder that `word` names: a path, or the id of a specimen of the mount that the working directory lies in,
    /// else of the one mount of this machine that has it.
    ///
    /// - Throws: for an id that no mount has, or several.
    static func folder(_ word: String) throws(Failure) -> String {
        guard MountedPath.isSpecimenID(word), unsafe access(word, F_OK) != 0 else { return word }
        let mounts = try candidates()
        let folders = mounts.compactMap { specimenFolder(word, in: $0) }
        guard let folder = folders.first else {
            throw Failure(sentence: "\(mounts.joined(separator: ", ")) has no specimen \(word)", code: 2)
        }
        guard folders.count == 1 else {
            throw Failure(
                sentence: "several mounts have the specimen \(word): name one of \(folders.joined(separator: ", "))",
                code: 2)
        }
        return folder
    }

    /// The folder of the specimen `id` in the mount on `mount`; nil when it has none.
    static func specimenFolder(_ id: String, in mount: String) -> String? {
        ["mouse", "human"].map { "\(mount)/\($0)/\(id)" }.first(where: Folder.isDirectory)
    }

    /// The mounts for a command without a mount point, at least one: the mount that the working directory lies in, else all
    /// that answer.
    private static func candidates() throws(Failure) -> [String] {
        if let mount = try holding(MountTable.absolute(".")), MountState(of: mount.path).trouble(of: mount) == nil {
            return [mount.path]
        }
        let found = try looked(nil)
        let paths = found.filter { $0.state.trouble(of: $0.mount) == nil }.map(\.mount.path)
        guard !paths.isEmpty else {
            throw Failure(
                sentence: found.isEmpty
                    ? "nothing is mounted: try neuronfs demo" : "no mount answers: see neuronfs status",
                code: 2)
        }
        return paths
    }

    /// The innermost NeuronFS mount that `path`, from the root, is or lies in.
    private static func holding(_ path: String) throws(Failure) -> MountTable.Entry? {
        try MountTable.neuronFS().last { path == $0.path || path.hasPrefix($0.path + "/") }
    }
}
