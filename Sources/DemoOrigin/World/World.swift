import Support

/// The data of a stand-in origin: cells with their catalogue rows, skeletons, stacks and files.
///
/// Everything is created when it is read, and is the same in every run. Nothing is kept on disk.
package final class World: Sendable {
    let cells: [Cell]
    let bySpecimen: [Int: Int]
    private let byFile: [Int: FileReference]
    private let byCapturedPlane: [Int: PlaneReference]
    private let byCapturedPath: [String: PlaneReference]
    private let byProjection: [Int: ProjectionReference]
    private let stacks = Monitor<[Int: Stack]>([:])
    private let skeletons = LRU<WorldSkeleton>(capacity: 4)

    struct FileReference: Sendable {
        enum Kind: Sendable { case skeleton, markers, picture, recording }
        var cell: Int
        var kind: Kind
        var id: Int
    }

    struct PlaneReference: Sendable, Equatable {
        var cell: Int
        /// Position in `Stack.sections`.
        var position: Int
    }

    struct ProjectionReference: Sendable, Equatable {
        var cell: Int
        var projection: Projection
    }

    /// Number of cells.
    package var cellCount: Int { cells.count }
    /// Specimen ids, in catalogue order.
    package var specimens: [Int] { cells.map(\.id) }

    init(cells: [Cell]) {
        self.cells = cells
        var bySpecimen: [Int: Int] = [:]
        var byFile: [Int: FileReference] = [:]
        var byCapturedPlane: [Int: PlaneReference] = [:]
        var byCapturedPath: [String: PlaneReference] = [:]
        var byProjection: [Int: ProjectionReference] = [:]
        for (index, cell) in cells.enumerated() {
            bySpecimen[cell.id] = index
            for file in Self.files(of: cell, at: index) { byFile[file.id] = file }
            for (position, row) in cell.capturedPlanes.enumerated() {
                let reference = PlaneReference(cell: index, position: position)
                if let id = row["id"]?.intValue { byCapturedPlane[id] = reference }
                if let path = row["path"]?.stringValue { byCapturedPath[path] = reference }
            }
            guard cell.hasImages else { continue }
            for (projection, id) in zip(Projection.allCases, Self.projections(of: cell)) {
                byProjection[id] = ProjectionReference(cell: index, projection: projection)
            }
        }
        self.bySpecimen = bySpecimen
        self.byFile = byFile
        self.byCapturedPlane = byCapturedPlane
        self.byCapturedPath = byCapturedPath
        self.byProjection = byProjection
    }

    func cell(specimen: Int) -> Cell? { bySpecimen[specimen].map { cells[$0] } }

    /// The files of a cell: SWC, markers, picture and recording, as far as the cell has them.
    static func files(of cell: Cell, at index: Int) -> [FileReference] {
        var files: [FileReference] = []
        if let id = cell.skeletonFile {
            files.append(FileReference(cell: index, kind: .skeleton, id: id))
            if cell.markers != nil {
                files.append(FileReference(cell: index, kind: .markers, id: MadeID.id(cell, .marker)))
            }
            files.append(FileReference(cell: index, kind: .picture, id: pictureFile(of: cell)))
        }
        if let id = cell.recordingFile { files.append(FileReference(cell: index, kind: .recording, id: id)) }
        return files
    }

    /// The catalogue names the picture only by its download path.
    private static func pictureFile(of cell: Cell) -> Int {
        let path = cell.details["morph_thumb_path"]?.stringValue
        return path?.split(separator: "/").last.flatMap { Int($0) } ?? MadeID.id(cell, .picture)
    }

    private static func projections(of cell: Cell) -> [Int] {
        let captured = cell.capturedProjections.compactMap { $0["id"]?.intValue }
        if captured.count == Projection.allCases.count { return captured }
        return Projection.allCases.map { MadeID.id(cell, .projection, offset: 3 * $0.rawValue) }
    }

    func file(id: Int) -> FileReference? { byFile[id] }
    func capturedPlane(path: String) -> PlaneReference? { byCapturedPath[path] }
    func projection(id: Int) -> ProjectionReference? { byProjection[id] }

    /// The SWC bytes. A cell without a skeleton in the database has them too, because its planes show the neuron.
    func skeletonBytes(_ cell: Cell) throws -> [UInt8]? {
        switch cell.neuron {
        case nil: nil
        case .file(let path): try DataFolder.read(path)
        case .grown(let plan): SWCWriter.text(NeuronGrower.grow(plan), style: plan.style)
        }
    }

    func skeleton(_ cell: Cell) throws -> WorldSkeleton {
        try skeletons.value(cell.id) { try skeletonBytes(cell).map(WorldSkeleton.parse) ?? WorldSkeleton(nodes: []) }
    }

    func markerBytes(_ cell: Cell) throws -> [UInt8]? {
        switch cell.markers {
        case nil: nil
        case .file(let path): try DataFolder.read(path)
        case .placed: try MarkerWriter.text(skeleton(cell))
        }
    }

    /// The stack of a cell; `nil` for a cell without images.
    func stack(_ cell: Cell) throws -> Stack? {
        guard let width = cell.frameWidth, let height = cell.frameHeight else { return nil }
        if let known = stacks.withLock({ $0[cell.id] }) { return known }
        let sections = try cell.sections ?? Self.sections(depth: skeleton(cell).depth)
        let captured = cell.capturedPlanes.compactMap { $0["id"]?.intValue }
        let ids = sections.indices.map { plane in
            plane < captured.count ? captured[plane] : MadeID.subImage(ordinal: cell.ordinal, plane: plane)
        }
        let stack = Stack(
            specimen: cell.id,
            dataSet: cell.capturedPlanes.first?["data_set_id"]?.intValue
                ?? MadeID.id(cell, .dataSet), frameWidth: width, frameHeight: height, sections: sections,
            subImages: ids, barcode: "05\(10_000_000 + cell.ordinal * 37)",
            root: cell.isHuman ? "humancelltypes" : "mousecelltypes", projections: Self.projections(of: cell))
        stacks.withLock { $0[cell.id] = stack }
        return stack
    }

    /// The planes that a skeleton of this depth (um) needs, and twenty more. They begin at section 2, as in most
    /// stacks.
    private static func sections(depth: Double) -> [Int] {
        let planes = Int((depth / Imaging.plane).rounded(.up)) + 20
        return Array(2..<2 + planes)
    }

    /// The plane with a SubImage id.
    func plane(id: Int) throws -> PlaneReference? {
        if let known = byCapturedPlane[id] { return known }
        guard let ordinal = MadeID.ordinal(of: id), cells.indices.contains(ordinal),
            let stack = try stack(cells[ordinal]), let position = stack.subImages.firstIndex(of: id)
        else { return nil }
        return PlaneReference(cell: ordinal, position: position)
    }
}
