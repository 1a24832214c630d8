internal import Layouts
internal import Morphology
internal import Specimens
internal import Volumes

/// Which Zarr store of a specimen.
enum ZarrStoreKind: Hashable, Sendable {
    /// `stack.ome.zarr`
    case stack
    /// `labels.ome.zarr`
    case labels
    /// The same in the store of its image, as `stack.ome.zarr/labels/<variant>/`: directories, and the two metadata files that
    /// say where the image stands. All other files are those of ``labels``.
    case nestedLabels

    var series: Series { self == .stack ? .stack : .labels }

    /// The name in the folder of the specimen.
    var folder: String { "\(series.folder).ome.zarr" }
}

/// The layout of a Zarr store of a specimen, and its numbering.
struct ZarrStore: Sendable {
    let image: OMEZarrImage
    let numbering: ZarrNumbering
    /// Whether labels stand in the store.
    let hasLabels: Bool

    /// Voxels of a chunk of images: one tile of the image service, so that a chunk is one request.
    static let stackChunk = ZYX(z: 1, y: TileGrid.defaultSide, x: TileGrid.defaultSide)
    /// Voxels of a chunk of labels, by measurement (docs/BENCHMARKS.md, chunk shapes).
    static let labelChunk = ZYX(z: 32, y: 256, x: 256)

    /// Nil when the stack is larger than the format or the inode numbers can hold.
    init?(_ context: SpecimenContext, _ kind: ZarrStoreKind, main: LabelVariant) {
        hasLabels = kind == .stack && context.hasLabels
        do throws(OMEZarrError) {
            let labels = hasLabels ? try Self.image(context, .nestedLabels, main) : nil
            guard let image = try Self.image(context, kind, main, labels: labels) else { return nil }
            self.image = image
        } catch {
            return nil
        }
        numbering = ZarrNumbering(image)
        guard numbering.count <= ZarrNumbering.consolidatedMetadata else { return nil }
    }

    /// - Parameter labels: what stands in the group of labels.
    private static func image(
        _ context: SpecimenContext, _ kind: ZarrStoreKind, _ main: LabelVariant, labels: OMEZarrImage? = nil
    ) throws(OMEZarrError) -> OMEZarrImage? {
        guard let stack = context.stack, let geometry = context.stackGrid.map({ VolumeGeometry($0) }) else {
            return nil
        }
        let series = kind.series
        let possible = OMEZarrImage.levelCount(shape: geometry.shape, chunk: stackChunk)
        let source = kind == .nestedLabels ? "../../" : "../\(ZarrStoreKind.stack.folder)"
        return try OMEZarrImage(
            name: kind == .nestedLabels ? main.name : series.folder, geometry: geometry,
            dataType: VoxelType(bits: series.bitsPerSample(main: main, images: stack.bits)),
            chunk: series == .stack ? stackChunk : labelChunk,
            levelCount: context.objects.largestLevel.map { min(possible, $0 + 1) } ?? possible,
            label: series == .stack
                ? nil : try ImageLabel(classes: classes(main, hasGaps: !context.gaps.isEmpty), source: source),
            labels: labels)
    }

    /// Where planes lack an image, a binary volume too has voxels of which nothing is known.
    private static func classes(_ main: LabelVariant, hasGaps: Bool) -> [ImageLabel.Class] {
        (main == .binary && hasGaps ? main.classes + [.unknown] : main.classes).map {
            ImageLabel.Class(value: $0.value, name: $0.name, color: $0.color)
        }
    }

    func node(_ number: Int) -> OMEZarrNode? { numbering.node(number) }

    func child(_ name: String, of number: Int) -> OMEZarrNode? {
        guard let node = node(number), node.isDirectory else { return nil }
        return image.child(name, of: node)
    }

    func children(of number: Int) -> [(name: String, node: OMEZarrNode)]? {
        guard let node = node(number), node.isDirectory else { return nil }
        return (0..<image.childCount(of: node)).map { image.child(at: $0, of: node) }
    }

    /// Directories in a directory: all children but the metadata files, and none among chunks.
    func subdirectories(of node: OMEZarrNode) -> Int {
        switch node {
        case .root: image.levels.count + (hasLabels ? 1 : 0)
        case .level(let level): image.levels[level].array.chunkGrid.z
        case .chunkPlane(let level, _): image.levels[level].array.chunkGrid.y
        default: 0
        }
    }

    func size(of node: OMEZarrNode) -> Int { image.byteCount(of: node) }

    /// The voxels of a chunk at its level; they may reach beyond the array.
    func box(level: Int, index: ZYX<Int>) -> VoxelBox { image.levels[level].array.voxels(ofChunk: index) }
}
