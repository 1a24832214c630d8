import Support

/// The models of the API over a world.
struct WorldDatabase: RMADatabase {
    let world: World

    func table(_ model: RMAModel, specimens: [Int]?) throws -> RMATable {
        let cells: [Cell]
        if let specimens {
            cells = specimens.compactMap { world.cell(specimen: $0) }
        } else {
            cells = world.cells
        }
        switch model {
        case .specimenDetail:
            return RMATable(count: cells.count) { RMARow(model: model, fields: cells[$0].details) }
        case .specimen: return RMATable(cells.map(specimen))
        case .ephysResult: return RMATable(cells.compactMap(ephysResult))
        case .ephysFeature: return RMATable(cells.compactMap(EphysRows.feature))
        case .ephysSweep: return RMATable(cells.flatMap(EphysRows.sweeps))
        case .neuronReconstruction: return RMATable(cells.compactMap(ReconstructionRow.make))
        case .wellKnownFile: return RMATable(cells.flatMap(files))
        case .wellKnownFileType: return RMATable(FileKind.allCases.map(\.row))
        case .dataSet: return RMATable(cells.filter(\.hasImages).map(dataSet))
        case .projectionImage: return RMATable(try cells.flatMap { try projections($0) })
        case .subImage: return try planes(cells)
        }
    }

    func row(_ model: RMAModel, id: Int) throws -> RMARow? {
        switch model {
        case .specimenDetail, .specimen: return try table(model, specimens: [id]).first
        case .wellKnownFileType: return FileKind(rawValue: id)?.row
        case .wellKnownFile:
            return world.file(id: id).flatMap { reference in
                files(world.cells[reference.cell]).first { $0.number("id") == id }
            }
        case .subImage:
            return try world.plane(id: id).flatMap { reference in
                let cell = world.cells[reference.cell]
                return try world.stack(cell).map { ImageRows.plane(reference.position, of: cell, $0) }
            }
        case .projectionImage:
            return try world.projection(id: id).flatMap { reference in
                try projections(world.cells[reference.cell]).first { $0.number("id") == id }
            }
        case .ephysResult, .ephysFeature, .ephysSweep, .neuronReconstruction, .dataSet:
            let all = try table(model, specimens: nil)
            return (0..<all.count).lazy.map { all.row($0) }.first { $0.number("id") == id }
        }
    }

    func related(_ row: RMARow, _ association: String) throws -> RMARelation? {
        switch (row.model, association) {
        case (.wellKnownFile, "well_known_file_type"):
            return .one(row.number("well_known_file_type_id").flatMap { FileKind(rawValue: $0)?.row })
        case (.neuronReconstruction, "well_known_files"), (.ephysResult, "well_known_files"):
            let files = try cell(of: row).map(files) ?? []
            return .many(files.filter { $0.fields["attachable_type"]?.stringValue == row.model.rawValue })
        case (.dataSet, "sub_images"):
            return .many(try cell(of: row).map { try planes([$0]).rows } ?? [])
        case (.subImage, "data_set"): return .one(try cell(of: row).map(dataSet))
        case (.specimen, "ephys_result"): return .one(try cell(of: row).flatMap(ephysResult))
        case (.specimen, "ephys_features"):
            return .many(try cell(of: row).flatMap(EphysRows.feature).map { [$0] } ?? [])
        case (.specimen, "neuron_reconstructions"):
            return .many(try cell(of: row).flatMap(ReconstructionRow.make).map { [$0] } ?? [])
        case (.specimen, "data_sets"):
            return .many(try cell(of: row).flatMap { $0.hasImages ? [dataSet($0)] : nil } ?? [])
        case (.ephysResult, "specimen"), (.ephysFeature, "specimen"), (.ephysSweep, "specimen"),
            (.neuronReconstruction, "specimen"), (.dataSet, "specimen"), (.projectionImage, "specimen"):
            return .one(try cell(of: row).map(specimen))
        default: return nil
        }
    }

    private func cell(of row: RMARow) throws -> Cell? {
        switch row.model {
        case .specimen: return row.number("id").flatMap { world.cell(specimen: $0) }
        case .subImage:
            return try row.number("id").flatMap { try world.plane(id: $0) }.map { world.cells[$0.cell] }
        default: return row.number("specimen_id").flatMap { world.cell(specimen: $0) }
        }
    }

    private func specimen(_ cell: Cell) -> RMARow {
        RMARow(
            model: .specimen,
            fields: [
                "cell_prep_id": .null, "donor_id": cell.details["donor__id"] ?? .null,
                "failed": .bool(false), "hemisphere": cell.details["specimen__hemisphere"] ?? .null,
                "id": .int(cell.id), "is_cell_specimen": .bool(true), "name": .string(cell.name),
                "structure_id": cell.details["structure__id"] ?? .null,
            ])
    }

    private func ephysResult(_ cell: Cell) -> RMARow? {
        guard cell.recordingFile != nil else { return nil }
        return RMARow(
            model: .ephysResult,
            fields: [
                "failed": .bool(false), "id": .int(MadeID.id(cell, .ephysResult)), "specimen_id": .int(cell.id),
            ])
    }

    private func dataSet(_ cell: Cell) -> RMARow {
        let id = cell.capturedPlanes.first?["data_set_id"]?.intValue ?? MadeID.id(cell, .dataSet)
        return RMARow(
            model: .dataSet, fields: ["failed": .bool(false), "id": .int(id), "specimen_id": .int(cell.id)])
    }

    private func files(_ cell: Cell) -> [RMARow] {
        World.files(of: cell, at: cell.ordinal).map { FileKind($0.kind).file($0.id, of: cell) }
    }

    private func projections(_ cell: Cell) throws -> [RMARow] {
        guard let stack = try world.stack(cell) else { return [] }
        return Projection.allCases.map { ImageRows.projection($0, of: cell, stack) }
    }

    /// The planes of several stacks, one stack after another. Each row is created when it is read.
    private func planes(_ cells: [Cell]) throws -> RMATable {
        var starts: [(start: Int, cell: Cell, stack: Stack)] = []
        var count = 0
        for cell in cells {
            guard let stack = try world.stack(cell) else { continue }
            starts.append((count, cell, stack))
            count += stack.sections.count
        }
        return RMATable(count: count) { [starts] index in
            let entry = starts[starts.partitioningIndex { $0.start > index } - 1]
            return ImageRows.plane(index - entry.start, of: entry.cell, entry.stack)
        }
    }
}

extension RMATable {
    var first: RMARow? { count > 0 ? row(0) : nil }
    var rows: [RMARow] { (0..<count).map(row) }
}

extension Array {
    /// The first index whose element satisfies a condition that all later elements satisfy too.
    func partitioningIndex(where condition: (Element) -> Bool) -> Int {
        var (low, high) = (0, count)
        while low < high {
            let middle = (low + high) / 2
            if condition(self[middle]) { high = middle } else { low = middle + 1 }
        }
        return low
    }
}
