internal import Specimens

/// A file below the folder, as a scan found it.
struct FoundFile: Hashable, Sendable {
    /// Below the folder.
    let path: String
    let version: FileVersion
}

/// One specimen of a folder: images, a skeleton, or both.
struct FolderPair: Sendable {
    /// The name of its directory, or of its files without the ending.
    let name: String
    let id: Int
    var images: PairImages?
    var skeleton: FoundFile?
    var marker: FoundFile?
    /// meta.json, where there is one, and what it says or what is wrong with it.
    var meta: (file: FoundFile, content: Result<PairMeta, PairMetaFault>)?
    /// Whether the images cannot be used: meta.json is damaged, or they turned out so when they were read.
    var hasUnusableImages = false

    init(name: String, source: String) {
        self.name = name
        id = Self.id(of: name, source: source)
    }

    /// The number of the skeleton among the files of a specimen.
    static let skeletonNumber = 1
    /// The number of the marker file.
    static let markerNumber = 2

    var skeletonID: ObjectID? { skeleton.map { _ in .file(Self.skeletonNumber, of: id) } }
    var markerID: ObjectID? { marker.map { _ in .file(Self.markerNumber, of: id) } }

    /// The file that an object is in, and for an image the page of that file.
    func place(of object: ObjectID) -> (file: FoundFile, page: Int)? {
        switch object.kind {
        case .file:
            switch object.number {
            case Self.skeletonNumber: skeleton.map { ($0, 0) }
            case Self.markerNumber: marker.map { ($0, 0) }
            default: nil
            }
        case .image:
            switch images {
            case .volume(let file): (file, object.number)
            case .planes(let planes): planes[number: object.number].map { ($0.file, 0) }
            case nil: nil
            }
        }
    }

    /// What meta.json says; nothing where there is none or it is damaged.
    var usableMeta: PairMeta {
        if case .success(let meta) = meta?.content { meta } else { PairMeta() }
    }

    /// Whether the specimen is shown: it has images that may be usable, or a skeleton.
    var isShown: Bool { skeleton != nil || imagesPath != nil }

    /// What decides how the specimen is shown.
    var shown: Shown { Shown(name: name, version: version, hasUnusableImages: hasUnusableImages) }

    /// Two specimens that are equal in this are shown alike.
    struct Shown: Equatable {
        let name: String
        let version: VersionHash
        let hasUnusableImages: Bool
    }

    /// Names the files and their versions.
    var version: VersionHash {
        let images: VersionHash =
            switch self.images {
            case .volume(let file): VersionHash([file])
            case .planes(let planes): planes.version
            case nil: VersionHash([])
            }
        return images.followed(by: [skeleton, marker, meta?.file].compactMap { $0 })
    }

    /// An id that needs more than 32 bits, so that no node of the specimen has a computed inode number. It stays exact
    /// in a JSON reader, which has 53 bits.
    static func id(of name: String, source: String) -> Int {
        let hash = StableHash.mixed(StableHash.fnv1a("\(source)\u{0}\(name)".utf8))
        let (least, end): (UInt64, UInt64) = (1 << 33, 1 << 53)
        return Int(least + hash % (end - least))
    }
}

/// The images of a specimen.
enum PairImages: Sendable {
    /// One file with a page for each plane: page i is image i.
    case volume(FoundFile)
    /// A file for each plane.
    case planes(PlaneFiles)
}

/// The planes of a specimen that are files of their own, in the order of z.
struct PlaneFiles: Sendable {
    /// One plane.
    struct Plane: Hashable, Sendable {
        /// The number of the image.
        let number: Int
        /// The number of the plane in the series.
        let section: Int
        let file: FoundFile
    }

    let files: [Plane]
    /// Names the files and their versions. It is made once, because there may be thousands.
    let version: VersionHash
    private let places: [Int: Int]

    /// - Parameter names: the names of files in a directory with the version of each. A name whose hash another has is left
    ///   out.
    init(_ found: [(name: String, file: FoundFile)]) {
        let order = SectionOrder(found.map(\.name))
        var places: [Int: Int] = [:]
        var files: [Plane] = []
        for (index, section) in order.sections {
            let number = Self.number(of: found[index].name)
            guard places[number] == nil else { continue }
            places[number] = files.count
            files.append(Plane(number: number, section: section, file: found[index].file))
        }
        self.files = files
        self.places = places
        version = VersionHash(files.map(\.file))
    }

    /// The plane whose image has this number.
    subscript(number number: Int) -> Plane? { places[number].map { files[$0] } }

    /// The image of a file keeps its number when others come and go. Below 2^53 it stays exact in JSON.
    private static func number(of name: String) -> Int {
        16 + Int(StableHash.mixed(StableHash.fnv1a(name.utf8)) % (1 << 52))
    }
}
