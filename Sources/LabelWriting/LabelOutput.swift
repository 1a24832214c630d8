import Glibc
import Support

/// The place and the format of a label volume, both from its name.
package struct LabelOutput: Sendable {
    /// A way to store a volume.
    package enum Format: String, Sendable {
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
    package let path: String
    /// What is written there.
    package let format: Format

    private static let suffixes: [(suffix: String, format: Format)] = [
        (".ome.zarr", .zarr), (".zarr", .zarr), (".ome.tif", .volume), (".ome.tiff", .volume), (".tif", .volume),
        (".tiff", .volume), (".npy", .npy),
    ]

    /// The format that a name asks for; `nil` for a name without a known ending. A name that ends in `/`, or of a directory,
    /// asks for planes.
    package static func format(of name: String) -> Format? {
        let bare = trimmed(name)
        guard !bare.isEmpty else { return nil }
        if let ending = suffix(of: bare), ending.format == .zarr { return .zarr }
        if name.hasSuffix("/") || isDirectory(bare) { return .planes }
        return suffix(of: bare)?.format
    }

    /// - Throws: a request error for a name without a format.
    package init(_ name: String) throws(LabelWritingError) {
        guard let format = Self.format(of: name) else {
            throw .request("\(name) names no format: end it in .tif, .npy, .zarr or /")
        }
        self.format = format
        let bare = Self.trimmed(name)
        // So that "." has a name of its own.
        path = Self.isDirectory(bare) ? Self.resolved(bare) : bare
    }

    /// The file beside the volume that describes it: the name with ".json" in place of its format's ending.
    package var reportPath: String {
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
        // Swift would change a name that is not UTF-8. The path as it was given names the same directory.
        return unsafe String(validatingCString: real) ?? path
    }
}
