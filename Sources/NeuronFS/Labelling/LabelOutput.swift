import Glibc
import Support

/// Where a label volume goes and in which format, as its name says.
struct LabelOutput {
    /// A way to store a volume.
    enum Format: String {
        /// One BigTIFF.
        case volume = "BigTIFF"
        /// A directory of classic TIFFs, one a plane.
        case planes = "TIFF planes"
        /// An OME-Zarr 0.4 directory.
        case zarr = "OME-Zarr 0.4"
        /// A NumPy array file.
        case npy = "NPY 1.0"
    }

    /// The file or directory, without a slash at the end.
    let path: String
    /// What is written there.
    let format: Format

    private static let suffixes: [(suffix: String, format: Format)] = [
        (".ome.zarr", .zarr), (".zarr", .zarr), (".ome.tif", .volume), (".ome.tiff", .volume), (".tif", .volume),
        (".tiff", .volume), (".npy", .npy),
    ]

    /// The format a name asks for; `nil` when it says nothing.
    static func format(of name: String) -> Format? {
        let bare = trimmed(name)
        guard !bare.isEmpty else { return nil }
        if let ending = suffix(of: bare), ending.format == .zarr { return .zarr }
        if name.hasSuffix("/") || isDirectory(bare) { return .planes }
        return suffix(of: bare)?.format
    }

    /// - Throws: `Failure` 2 for a name without a format.
    init(_ name: String) throws(Failure) {
        guard let format = Self.format(of: name) else {
            throw Failure(sentence: "\(name) does not say in which format to write", code: 2)
        }
        self.format = format
        let bare = Self.trimmed(name)
        // So that "." has a name of its own.
        path = Self.isDirectory(bare) ? Self.resolved(bare) : bare
    }

    /// The file beside it that describes it: the name with its format's ending replaced by ".json".
    var reportPath: String {
        guard format != .planes, let ending = Self.suffix(of: path) else { return path + ".json" }
        return path.dropLast(ending.suffix.count) + ".json"
    }

    /// The last component of the path.
    var name: String { Self.lastComponent(path) }

    /// The last component of `path`.
    static func lastComponent(_ path: String) -> String {
        path.split(separator: "/").last.map(String.init) ?? path
    }

    private static func suffix(of name: String) -> (suffix: String, format: Format)? {
        let component = lastComponent(name)
        return suffixes.first { component.hasSuffix($0.suffix) && component.utf8.count > $0.suffix.utf8.count }
    }

    private static func trimmed(_ name: String) -> String {
        var name = name
        while name.hasSuffix("/") && name.utf8.count > 1 { name.removeLast() }
        return name
    }

    private static func isDirectory(_ path: String) -> Bool {
        var status = stat()
        return unsafe stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
    }

    private static func resolved(_ path: String) -> String {
        guard let real = unsafe realpath(path, nil) else { return path }
        defer { unsafe free(real) }
        // A name that is not UTF-8 would become another: the path as it was given is as good.
        return unsafe String(validatingCString: real) ?? path
    }
}
