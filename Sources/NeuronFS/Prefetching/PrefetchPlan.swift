import Glibc
import Support

/// The files of a mount that are fetched for the paths that a user names.
enum PrefetchPlan {
    /// A file or folder whose files are still to be listed.
    enum Part: Hashable, Sendable {
        case file(String)
        /// All files below it.
        case folder(String)
        /// The files of a specimen that training reads, see ``files(of:all:)``.
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

    /// The parts of `path`: a specimen's folder, every specimen of a folder of specimens, or the path itself.
    ///
    /// - Throws: when `path` is in no mount or cannot be listed.
    static func parts(of path: String) throws(Failure) -> [Part] {
        guard let place = try MountedPath.find(path) else {
            throw Failure(sentence: "\(path) is in no NeuronFS mount", code: 2)
        }
        guard !place.isOfFolder else { return [] }
        let real = ([place.mount.path] + place.components).joined(separator: "/")
        let sources = try sources(of: place)
        guard sources.isEmpty else { return sources + (Folder.isDirectory(real) ? [.folder(real)] : [.file(real)]) }
        guard Folder.isDirectory(real) else { return [.file(real)] }
        guard place.specimen != nil else { return try group(real, mount: place.mount.path, levels: 3) }
        return place.components.last.map(MountedPath.isSpecimenID) == true ? [.specimen(real)] : [.folder(real)]
    }

    /// The files from which labels are made, if `place` is labels of a specimen.
    private static func sources(of place: MountedPath) throws(Failure) -> [Part] {
        guard let specimen = place.components.firstIndex(where: MountedPath.isSpecimenID) else { return [] }
        let below = place.components[(specimen + 1)...]
        let isInStore = below.count > storeOfLabels.count && below.starts(with: storeOfLabels)
        guard below.first?.hasPrefix("labels") == true || isInStore else { return [] }
        return try sourcesOfLabels(
            in: ([place.mount.path] + place.components[...specimen]).joined(separator: "/")
        ).map { .file($0) }
    }

    /// Where labels stand in the store of a stack.
    private static let storeOfLabels = ["stack.ome.zarr", "labels"]

    /// The files of a specimen's folder from which labels are made. With them in the cache, labels need no network.
    private static func sourcesOfLabels(in folder: String) throws(Failure) -> [String] {
        let names = Set(try Folder.names(folder))
        return ["skeleton.swc", "skeleton.marker"].filter(names.contains).map { "\(folder)/\($0)" }
    }

    /// Specimens of a folder of specimens: `mouse/`, `splits/train`, the root of the mount.
    private static func group(_ folder: String, mount: String, levels: Int) throws(Failure) -> [Part] {
        var found: [Part] = []
        // The other folders of the root list the same specimens again.
        let names = folder == mount ? ["mouse", "human"] : try Folder.names(folder)
        for name in names {
            let path = "\(folder)/\(name)"
            guard let place = try MountedPath.find(path), !place.isOfFolder else { continue }
            if MountedPath.specimen(name, in: folder) != nil {
                found.append(.specimen(([place.mount.path] + place.components).joined(separator: "/")))
            } else if levels > 0, !name.hasPrefix("."), Folder.isDirectory(path) {
                found += try group(path, mount: mount, levels: levels - 1)
            }
        }
        return found
    }

    /// The files of a part, in the best order for reading.
    ///
    /// - Parameter all: whether recordings are included, which training on images does not read.
    static func files(of part: Part, all: Bool) throws(Failure) -> [File] {
        switch part {
        case .file(let path): return [File(path: path, bytes: try size(path))]
        case .folder(let path): return try below(path)
        case .specimen(let folder):
            let names = Set(try Folder.names(folder))
            // The files on which the others depend come first. Labels are made from the skeleton, and the volumes have the
            // planes of the stack again.
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

    /// The files below a folder; of the labels in the store of a stack, the files from which they are made.
    private static func below(_ folder: String) throws(Failure) -> [File] {
        let labels = "/\(storeOfLabels.joined(separator: "/"))"
        if folder.hasSuffix(labels) {
            return try sourcesOfLabels(in: String(folder.dropLast(labels.utf8.count))).map { path throws(Failure) in
                File(path: path, bytes: try size(path))
            }
        }
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
