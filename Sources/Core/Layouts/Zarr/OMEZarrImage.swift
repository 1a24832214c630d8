import Support

/// The layout of one multiscale image: an OME-NGFF 0.4 group of Zarr v2 arrays, one for each level of resolution.
///
/// ```text
/// .zgroup             {"zarr_format": 2}
/// .zattrs             "multiscales": axes, and scale and translation of each level, um; "image-label" for labels
/// .zmetadata          all of these metadata files in one, for readers that open a group as consolidated; those of the
///                     labels too where the image has any
/// 0/.zarray           full resolution
/// 0/z/y/x             its chunks, see ZarrArrayLayout
/// 1/...               half the columns and rows, all planes
/// labels/             where there are labels, see OMEZarrLabels
/// ```
///
/// Level n has `ceil(W / 2^n)` columns and `ceil(H / 2^n)` rows of voxels 2^n times as wide and high. Its voxel i covers
/// voxels `2^n i ..< 2^n (i + 1)` of level 0, whose centres lie at multiples of the spacing s, so its own centre lies at
/// `origin + (2^n i + (2^n - 1) / 2) s`: a scale of `2^n s` and then a translation of `origin + (2^n - 1) / 2 s`.
/// Viewers that leave out the second part show the levels shifted against each other.
///
/// Planes are never merged: a level's plane is then still a plane of the microscope, which the image service delivers at
/// reduced size by itself, and plane numbers mean the same on every level.
///
/// The format is OME-NGFF 0.4, <https://ngff.openmicroscopy.org/0.4/>: "axes", "multiscales" and "image-label" metadata.
/// `.zmetadata` is zarr-python's, format 1 (`zarr.consolidate_metadata`).
package struct OMEZarrImage: Sendable {
    /// One resolution.
    package struct Level: Hashable, Sendable {
        /// Shape, chunks and voxel type.
        package let array: ZarrArrayLayout
        /// Distance of neighbouring voxel centres, um.
        package let scale: ZYX<Double>
        /// The centre of voxel (0, 0, 0), um.
        package let translation: ZYX<Double>
    }

    /// What the image is called in its metadata.
    package let name: String
    /// From full resolution downwards; the index is the directory's name.
    package let levels: [Level]
    /// What the values mean; `nil` for an intensity image.
    package let label: ImageLabel?

    private let groupBytes: [UInt8]
    private let attributeBytes: [UInt8]
    private let arrayBytes: [[UInt8]]
    private let consolidatedBytes: [UInt8]

    /// Lays out an image with a pyramid of levels.
    ///
    /// - Parameters:
    ///   - name: What the image is called in its metadata.
    ///   - geometry: Where the voxels of full resolution lie.
    ///   - dataType: How a voxel is stored.
    ///   - chunk: Sides of a chunk, the same on every level.
    ///   - levelCount: Levels to lay out, 1...32; `nil` for as many as `levelCount(shape:chunk:)` says. Labels must have
    ///     as many levels as their image (OME-NGFF, "labels"), whatever their chunks.
    ///   - label: What the values mean, for labels.
    ///   - labels: The label image that stands in the directory of this image under its name; `nil` for none.
    /// - Throws: `OMEZarrError` when the shape, the chunk, the transformation or `levelCount` is out of range.
    package init(
        name: String, geometry: VolumeGeometry, dataType: VoxelType, chunk: ZYX<Int>, levelCount: Int? = nil,
        label: ImageLabel? = nil, labels: OMEZarrImage? = nil
    ) throws(OMEZarrError) {
        let (spacing, origin) = (geometry.spacing, geometry.origin)
        guard spacing.array.allSatisfy({ $0 > 0 && $0.isFinite }), origin.array.allSatisfy(\.isFinite) else {
            throw .invalidTransformation(spacing: spacing, origin: origin)
        }
        let count = levelCount ?? Self.levelCount(shape: geometry.shape, chunk: chunk)
        guard (1...32).contains(count) else { throw .invalidLevelCount(count) }
        var levels: [Level] = []
        for exponent in 0..<count {
            let level = geometry.level(exponent)
            levels.append(
                Level(
                    array: try ZarrArrayLayout(shape: level.shape, chunk: chunk, dataType: dataType),
                    scale: level.spacing, translation: level.origin))
        }
        self.name = name
        self.levels = levels
        self.label = label
        groupBytes = Self.group.file
        attributeBytes = Self.attributes(name: name, levels: levels, label: label).file
        arrayBytes = levels.map { $0.array.zarray() }
        var metadata = Self.metadata(name: name, levels: levels, label: label)
        if let labels {
            let group = OMEZarrLabels(name: labels.name)
            metadata["\(OMEZarrLabels.folder)/.zattrs"] = group.attributes
            metadata["\(OMEZarrLabels.folder)/.zgroup"] = Self.group
            let members = Self.metadata(name: labels.name, levels: labels.levels, label: labels.label).members
            for (path, value) in members { metadata["\(OMEZarrLabels.folder)/\(labels.name)/\(path)"] = value }
        }
        let consolidated: JSONValue = ["metadata": .object(metadata), "zarr_consolidated_format": .int(1)]
        consolidatedBytes = consolidated.file
    }

    /// Levels until a whole plane lies in one chunk: what a viewer needs to show a plane by a single read.
    package static func levelCount(shape: ZYX<Int>, chunk: ZYX<Int>) -> Int {
        var count = 1
        var (height, width) = (shape.y, shape.x)
        // A side of 1 cannot be halved; a chunk without columns or rows is refused elsewhere.
        while height > max(chunk.y, 1) || width > max(chunk.x, 1) {
            (height, width) = ((height + 1) / 2, (width + 1) / 2)
            count += 1
        }
        return count
    }

    /// The contents of `.zgroup`.
    package func zgroup() -> [UInt8] { groupBytes }

    /// The contents of `.zattrs`.
    package func zattrs() -> [UInt8] { attributeBytes }

    /// The contents of `.zmetadata`.
    package func zmetadata() -> [UInt8] { consolidatedBytes }

    /// The contents of `.zarray` of a level.
    package func zarray(level: Int) -> [UInt8] { arrayBytes[level] }

    /// The value of which `.zgroup` is the text.
    static let group: JSONValue = ["zarr_format": .int(2)]

    /// The values of all metadata files but `.zmetadata`, by path below the directory of the image.
    private static func metadata(name: String, levels: [Level], label: ImageLabel?) -> JSONObject {
        var metadata: JSONObject = [
            ".zattrs": attributes(name: name, levels: levels, label: label), ".zgroup": group,
        ]
        for (index, level) in levels.enumerated() { metadata["\(index)/.zarray"] = level.array.metadata }
        return metadata
    }

    private static func attributes(name: String, levels: [Level], label: ImageLabel?) -> JSONValue {
        let axes = ["z", "y", "x"].map { axis in
            JSONValue.object(["name": .string(axis), "type": .string("space"), "unit": .string("micrometer")])
        }
        let datasets = levels.enumerated().map { index, level in
            JSONValue.object([
                "path": .string(String(index)),
                "coordinateTransformations": .array([
                    .object(["type": .string("scale"), "scale": .array(level.scale.array.map(JSONValue.double))]),
                    .object([
                        "type": .string("translation"),
                        "translation": .array(level.translation.array.map(JSONValue.double)),
                    ]),
                ]),
            ])
        }
        var attributes: JSONObject = [
            "multiscales": .array([
                .object([
                    "version": .string("0.4"), "name": .string(name), "axes": .array(axes),
                    "datasets": .array(datasets),
                ])
            ])
        ]
        attributes["image-label"] = label.map(\.json)
        return .object(attributes)
    }
}
