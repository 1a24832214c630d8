import Foundation
import Specimens
import Support
import TestTools

/// Cells and their bytes as they should be, worked out without the tree, and a source that has them.
///
/// Every object has versions 1, 2, ... Bytes and lengths of two versions differ.
final class CellWorld: Sendable {
    /// What a cell has.
    struct Cell: Hashable {
        let id: Int
        var layer: String?
        var hasImages = true
        var isTraced = true
        var hasRecording = true
    }

    private struct State {
        var cells: [Int: Cell]
        var versions: [ObjectID: Int] = [:]
        var fails = false
    }

    /// The second id needs more than 32 bits.
    static let ids = [7, 5_000_000_000]
    static let depth = 4
    /// The planes that a stack has.
    static let planes = [0, 1, 3]
    /// Several tiles in each direction.
    static let width = 300
    static let height = 280
    static let frame = width * height
    private static let spacing = VoxelSpacing(xy: 0.1144, z: 0.28)

    private let state: Monitor<State>
    /// Whether the source gives a new version the tag of the first one, as a broken server does.
    private let hidesChanges: Bool

    init(hidesChanges: Bool = false) {
        self.hidesChanges = hidesChanges
        state = Monitor(State(cells: Dictionary(uniqueKeysWithValues: Self.ids.map { ($0, Cell(id: $0)) })))
    }

    // MARK: - What is true

    var cells: [Cell] { state.withLock { $0.cells.values.sorted { $0.id < $1.id } } }
    func cell(_ id: Int) -> Cell? { state.withLock { $0.cells[id] } }
    var fails: Bool { state.withLock { $0.fails } }

    /// The present version of an object.
    func version(of object: ObjectID) -> Int { state.withLock { $0.versions[object] ?? 1 } }

    func change(_ object: ObjectID) { state.withLock { $0.versions[object, default: 1] += 1 } }
    func setFailing(_ fails: Bool) { state.withLock { $0.fails = fails } }
    func edit(_ id: Int, _ change: (inout Cell?) -> Void) { state.withLock { change(&$0.cells[id]) } }

    static func skeleton(_ id: Int) -> ObjectID { .file(11, of: id) }
    static func recording(_ id: Int) -> ObjectID { .file(12, of: id) }
    static func image(_ plane: Int, _ id: Int) -> ObjectID { .image(100 + plane, of: id) }

    /// Whether the folder of a cell stands at `place`. The cells have no donor, so that the id decides on the part of the
    /// splits: both are in train.
    static func stands(_ cell: Cell, at place: Step.Place) -> Bool {
        place == .own || cell.isTraced && cell.hasImages && (place == .trainable || place == .train)
    }

    /// The names in the folder of a cell.
    static func names(_ cell: Cell) -> Set<String> {
        var names: Set = ["meta.json"]
        if cell.isTraced { names.insert("skeleton.swc") }
        if cell.hasRecording { names.insert("ephys.nwb") }
        guard cell.hasImages else { return names }
        names.formUnion(["stack", "stack.tif", "stack.npy", "stack.ome.zarr", "projections"])
        guard cell.isTraced else { return names }
        let variants = ["binary", "classes3", "instance", "centerline", "distance", "nodes", "ignore"]
        return names.union(variants.map { "labels-\($0)" }).union([
            "labels", "labels.tif", "labels.npy", "labels.ome.zarr", "labels-instance.json",
        ])
    }

    /// A pixel of an image.
    static func pixel(_ object: ObjectID, _ version: Int, row: Int, column: Int) -> UInt8 {
        UInt8(truncatingIfNeeded: column * 5 + row * 3 + object.number * 40 + object.specimen + version * 101)
    }

    /// Where the soma of a version of the skeleton lies, um, and its radius.
    private static func soma(_ version: Int) -> (x: Double, y: Double, z: Double, radius: Double) {
        (x: 12 + Double(version % 5), y: 15, z: 0.3, radius: 4)
    }

    /// The label of a voxel: 1 in the ball of the soma, 0 elsewhere.
    static func label(_ version: Int, plane: Int, row: Int, column: Int) -> UInt8 {
        let soma = soma(version)
        let x = Double(column) * spacing.x - soma.x
        let y = Double(row) * spacing.y - soma.y
        let z = Double(plane) * spacing.z - soma.z
        return x * x + y * y + z * z <= soma.radius * soma.radius ? 1 : 0
    }

    private static func swc(_ version: Int) -> [UInt8] {
        let soma = soma(version)
        let comment = String(repeating: "#", count: version)
        return Array("\(comment)\n1 1 \(soma.x) \(soma.y) \(soma.z) \(soma.radius) -1\n".utf8)
    }

    /// Bytes of a file. A recording has two extents.
    static func length(_ object: ObjectID, _ version: Int) -> Int {
        object == skeleton(object.specimen) ? swc(version).count : ObjectExtents.size + 1000 + version
    }

    /// A part of a file.
    static func bytes(_ object: ObjectID, _ version: Int, _ range: Range<Int>) -> [UInt8] {
        object == skeleton(object.specimen)
            ? Array(swc(version)[range]) : range.map { UInt8(truncatingIfNeeded: $0 * 7 + version * 101) }
    }

    // MARK: - The source

    /// The rows of the list.
    var specimens: [Specimen] {
        cells.map { cell in
            Specimen(
                id: cell.id, name: "cell \(cell.id)", place: Place(.mouse, cell.id), species: .mouse, layer: cell.layer,
                skeleton: cell.isTraced ? Self.skeleton(cell.id) : nil,
                recording: cell.hasRecording ? Self.recording(cell.id) : nil, hasImages: cell.hasImages,
                row: RowText([
                    "layer": cell.layer.map { .string($0) } ?? .null, "images": .bool(cell.hasImages),
                    "traced": .bool(cell.isTraced), "recording": .bool(cell.hasRecording),
                ]))
        }
    }

    /// What the source has of a cell.
    func objects(_ cell: Cell) -> SpecimenObjects {
        let planes = Self.planes.map { plane in
            PlaneImage(
                imageID: Self.image(plane, cell.id).number, sectionNumber: plane, x: 0, y: 0, width: Self.width,
                height: Self.height, frameWidth: Self.width, frameHeight: Self.height, xSpacing: Self.spacing.x,
                ySpacing: Self.spacing.y)
        }
        return SpecimenObjects(
            stack: cell.hasImages ? ImageStack(planes: planes, zSpacing: Self.spacing.z) : nil, spacing: Self.spacing,
            skeleton: cell.isTraced ? SourceObject(id: Self.skeleton(cell.id)) : nil,
            recording: cell.hasRecording ? SourceObject(id: Self.recording(cell.id)) : nil)
    }

    /// Answers all requests for blocks at once.
    var blocks: ScriptedSource {
        ScriptedSource({ [self] call in answer(call) }, stat: { [self] in stat($0) })
    }

    private func tag(_ version: Int) -> String { "\"\(hidesChanges ? 1 : version)\"" }

    private func stat(_ object: SourceObject) -> Promise<ObjectRecord, SourceError> {
        guard !fails else { return Promise(.failure(SourceError(.failed, "the source fails"))) }
        let version = version(of: object.id)
        return Promise(
            .success(
                ObjectRecord(
                    id: object.id, length: Self.length(object.id, hidesChanges ? 1 : version), tag: tag(version),
                    checkedAt: wallClockSeconds())))
    }

    private func answer(_ call: ScriptedSource.Call) {
        guard !fails else { return _ = call.fail(.failed) }
        let object = call.request.object.id
        let version = version(of: object)
        switch call.request.part {
        case .tile(let tile):
            let frame = tile.frame
            let pixels = (0..<frame.width * frame.height).map { index in
                Self.pixel(
                    object, version, row: frame.y + index / frame.width, column: frame.x + index % frame.width)
            }
            call.reply(pixels, version: tag(version))
        case .extent(let index, let length):
            guard call.request.expected.map({ $0 == tag(version) }) ?? true else {
                return _ = call.fail(.changed(tag(version)))
            }
            let range = ObjectExtents.bytes(of: index, length: length)
            call.reply(Self.bytes(object, version, range), version: tag(version))
        case .picture: call.fail(.failed)
        }
    }
}
