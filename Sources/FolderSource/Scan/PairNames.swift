/// What the names of files in a folder say of them.
enum PairNames {
    /// What a file of a specimen is.
    enum Role: CaseIterable, Sendable {
        case volume
        case skeleton
        case marker
        case meta

        /// The word for a message.
        var word: String {
            switch self {
            case .volume: "TIFF file"
            case .skeleton: "skeleton"
            case .marker: "marker file"
            case .meta: "meta file"
            }
        }

        /// The endings of its names, whatever their capitals.
        fileprivate var endings: [String] {
            switch self {
            case .volume: [".ome.tif", ".ome.tiff", ".tif", ".tiff"]
            case .skeleton: [".swc"]
            case .marker: [".marker"]
            case .meta: [".json"]
            }
        }
    }

    /// The directory of a specimen that has a file for each plane.
    static let stackDirectory = "stack"
    /// The description of a specimen in its directory.
    static let metaFile = "meta.json"

    /// What a file is by its name; nil for one that says nothing here.
    static func role(_ name: String) -> Role? { Role.allCases.first { ending($0, of: name) != nil } }

    /// What a file in the directory of a specimen is. Of the JSON files only ``metaFile`` says something.
    static func roleInDirectory(_ name: String) -> Role? {
        let role = Self.role(name)
        return role == .meta && name != metaFile ? nil : role
    }

    /// `name` without its ending.
    static func stem(_ name: String) -> String {
        let ending = Role.allCases.lazy.compactMap { Self.ending($0, of: name) }.first ?? ""
        return String(decoding: name.utf8.dropLast(ending.utf8.count), as: UTF8.self)
    }

    /// The ending that `name` has of those of `role`; nil where it has none, and where nothing is before it.
    private static func ending(_ role: Role, of name: String) -> String? {
        let lower = name.utf8.map { $0 | ((UInt8(ascii: "A")...UInt8(ascii: "Z")).contains($0) ? 0x20 : 0) }
        return role.endings.first { lower.count > $0.utf8.count && lower.suffix($0.utf8.count).elementsEqual($0.utf8) }
    }
}
