import Glibc
import Support

/// Which files of a mount are read ahead for the paths a user names.
enum PrefetchPlan {
    /// A file or folder whose files are still to be listed.
    enum Part: Hashable, Sendable {
        case file(String)
        /// All below it.
        case folder(String)
        /// What training reads of a specimen, see ``files(of:all:)``.
        case specimen(String)

        var path: String {
            switch self {
            case .file(let path), .folder(let path), .specimen(let path): path
            }
        }
    }

    struct File: Sendable {
        var path: String
        var bytes: Int
    }

    /// The parts that `path` stands for: a specimen's folder, every specimen of a folder of specimens, or just itself.
    ///
    /// - Throws: when `path` is in no mount or cannot be listed.
    static func parts(of path: String) throws(Failure) -> [Part] {
        guard let place = try MountedPath.find(path) else {
            throw Failure(sentence: "\(path) is in no NeuronFS mount", code: 2)
        }
        let real = ([place.mount.path] + place.components).joined(separator: "/")
        let sources = try sources(of: place)
        guard sources.isEmpty else { return sources + (Folder.isDirectory(real) ? [.folder(real)] : [.file(real)]) }
        guard Folder.isDirectory(real) else { return [.file(real)] }
        guard place.specimen != nil else { return try group(real, mount: place.mount.path, levels: 3) }
        return place.components.last.map(MountedPath.isSpecimenID) == true ? [.specimen(real)] : [.folder(real)]
    }

    /// What has to be in the cache for labels to be made without the network, where `place` is labels of a specimen: the
    /// files they are made from.
    private static func sources(of place: MountedPath) throws(Failure) -> [Part] {
        guard let specimen = place.components.firstIndex(where: MountedPath.isSpecimenID),
            place.components[(specimen + 1)...].first?.hasPrefix("labels") == true
        else { return [] }
        let folder = ([place.mount.path] + place.components[...specimen]).joined(separator: "/")
        let names = Set(try Folder.names(folder))
        return ["skeleton.swc", "skeleton.marker"].filter(names.contains).map { .file("\(folder)/\($0)") }
    }

    /// Specimens of a folder of specimens: `mouse/`, `splits/train`, the root of the mount.
    private static func group(_ folder: String, mount: String, levels: Int) throws(Failure) -> [Part] {
        var found: [Part] = []
        // The other folders of the root list the same specimens again.
        let names = folder == mount ? ["mouse", "human"] : try Folder.names(folder)
        for name in names {
            let path = "\(folder)/\(name)"
            if MountedPath.specimen(name, in: folder) != nil {
                guard let place = try MountedPath.find(path) else { continue }
                found.append(.specimen(([place.mount.path] + place.components).joined(separator: "/")))
            } else if levels > 0, !name.hasPrefix("."), Folder.isDirectory(path) {
                found += try group(path, mount: mount, levels: levels - 1)
            }
        }
        return found
    }

    /// The files of a part in the order in which they are best read.
    ///
    /// - Parameter all: also the recordings, which training on images does not read.
    static func files(of part: Part, all: Bool) throws(Failure) -> [File] {
        switch part {
        case .file(let path): return [File(path: path, bytes: try size(path))]
        case .folder(let path): return try below(path)
        case .specimen(let folder):
            let names = Set(try Folder.names(folder))
            // What everything else of the specimen depends on comes first. Labels are made from the skeleton, and the
            // volumes show the planes of the stack once more.
            let images = ["meta.json", "skeleton.swc", "skeleton.marker", "projections", "stack"]
            let wanted = all ? images + ["ephys.nwb"] : images
            var files: [File] = []
            for name in wanted where names.contains(name) {
                let path = "\(folder)/\(name)"
                files += Folder.isDirectory(path) ? try below(path) : [File(path: path, bytes: try size(path))]
            }
            return files
        }
    }

    private static func below(_ folder: String) throws(Failure) -> [File] {
        var files: [File] = []
        for name in try Folder.names(folder) {
            let path = "\(folder)/\(name)"
            files += Folder.isDirectory(path) ? try below(path) : [File(path: path, bytes: try size(path))]
        }
        return files
    }

    private static func size(_ path: String) throws(Failure) -> Int {
        var status = stat()
        guard unsafe stat(path, &status) == 0 else { throw Failure(sentence: "\(path): \(Errno.current)") }
        return Int(status.st_size)
    }
}
