import Foundation
import Specimens
import Support
import TestTools

/// Cells and their bytes as they should be, worked out without the tree, and one or two sources that have them.
///
/// The second source is like a folder: its cell stands in a top folder of its own, its objects lie on this machine, and it
/// never fails. Every object has versions 1, 2, ... Bytes and lengths of two versions differ.
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
    /// Whether the second cell is in a source of its own.
    let hasTwoSources: Bool

    init(hidesChanges: Bool = false, hasTwoSources: Bool = false) {
        self.hidesChanges = hidesChanges
        self.hasTwoSources = hasTwoSources
        state = Monitor(State(cells: Dictionary(uniqueKeysWithValues: Self.ids.map { ($0, Cell(id: $0)) })))
    }

    // MARK: - What is true

    var cells: [Cell] { state.withLock { $0.cells.values.sorted { $0.id < $1.id } } }
    func cell(_ id: Int) -> Cell? { state.withLock { $0.cells[id] } }

    /// Whether the cell is in the second source.
    func isBeside(_ id: Int) -> Bool { hasTwoSources && id == Self.ids[1] }

    /// Whether requests for the cell fail.
    func fails(_ id: Int) -> Bool { state.withLock { $0.fails } && !isBeside(id) }

    /// Where the folder of the cell is.
    func place(of id: Int) -> Place { isBeside(id) ? Place(collection: "own", folder: "a cell") : Place(.mouse, id) }

    /// What the cell is called among cells of all sources.
    func mixedName(of id: Int) -> String { isBeside(id) ? "own-a cell" : String(id) }

    /// The path of the folder of the cell at a place.
    func path(of id: Int, at place: Step.Place) -> String {
        let own = self.place(of: id)
        return switch place {
        case .own: "\(own.collection)/\(own.folder)"
        case .trainable: "trainable/\(own.collection)/\(own.folder)"
        case .train, .val, .test: "\(place.rawValue)/\(mixedName(of: id))"
        }
    }

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

    /// The rows of the list of one of the sources.
    func specimens(beside: Bool = false) -> [Specimen] {
        cells.filter { isBeside($0.id) == beside }.map { cell in
            Specimen(
                id: cell.id, name: "cell \(cell.id)", place: place(of: cell.id), species: .mouse, layer: cell.layer,
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

    /// Answers all requests for blocks of one of the sources at once. Fails for cells of the other one.
    func blocks(beside: Bool = false) -> ScriptedSource {
        let blocks = ScriptedSource(
            { [self] call in
                guard isBeside(call.request.object.id.specimen) == beside else { return _ = call.fail(.failed) }
                answer(call)
            },
            stat: { [self] object in
                guard isBeside(object.id.specimen) == beside else {
                    return Promise(.failure(SourceError(.failed, "a cell of the other source")))
                }
                return stat(object)
            })
        blocks.isLocal.update { $0 = beside }
        return blocks
    }

    /// The second source; nil without one.
    var besideSource: ScriptedSpecimenSource? {
        guard hasTwoSources else { return nil }
        let known = cells.filter { isBeside($0.id) }.map { ($0.id, objects($0)) }
        return ScriptedSpecimenSource(
            specimens(beside: true), objects: Dictionary(uniqueKeysWithValues: known), records: ScriptedRecords(),
            blocks: blocks(beside: true), identity: "own")
    }

    private func tag(_ version: Int) -> String { "\"\(hidesChanges ? 1 : version)\"" }

    private func stat(_ object: SourceObject) -> Promise<ObjectRecord, SourceError> {
        guard !fails(object.id.specimen) else { return Promise(.failure(SourceError(.failed, "the source fails"))) }
        let version = version(of: object.id)
        return Promise(
            .success(
                ObjectRecord(
                    id: object.id, length: Self.length(object.id, hidesChanges ? 1 : version), tag: tag(version),
                    checkedAt: wallClockSeconds())))
    }

    private func answer(_ call: ScriptedSource.Call) {
        let object = call.request.object.id
        guard !fails(object.specimen) else { return _ = call.fail(.failed) }
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
