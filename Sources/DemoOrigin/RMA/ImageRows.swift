import Support

/// Rows of images, in the form of the captured replies (docs/DATA.md 3).
enum ImageRows {
    static func plane(_ position: Int, of cell: Cell, _ stack: Stack) -> RMARow {
        if position < cell.capturedPlanes.count {
            return RMARow(model: .subImage, fields: cell.capturedPlanes[position])
        }
        let (width, height) = (stack.frameWidth - 2 * Imaging.inset, stack.frameHeight - 2 * Imaging.inset)
        return RMARow(
            model: .subImage,
            fields: [
                "annotated": .bool(false), "axes": .null, "bits_per_component": .int(8),
                "data_set_id": .int(stack.dataSet), "expression": .null, "expression_path": .null,
                "failed": .bool(false), "height": .int(height), "id": .int(stack.subImages[position]),
                "image_height": .int(stack.frameHeight), "image_type": .string("Primary"),
                "image_width": .int(stack.frameWidth), "isi_experiment_id": .null, "lims1_id": .null,
                "number_of_components": .int(3), "ophys_experiment_id": .null,
                "path": .string(planePath(position, stack)), "projection_function": .null,
                "resolution": .double(Imaging.pixel), "section_number": .int(stack.sections[position]),
                "specimen_id": .null, "structure_id": .null, "tier_count": .int(tiers(stack)), "width": .int(width),
                "x": .int(Imaging.inset), "y": .int(Imaging.inset),
            ])
    }

    static func projection(_ projection: Projection, of cell: Cell, _ stack: Stack) -> RMARow {
        if cell.capturedProjections.count == Projection.allCases.count {
            return RMARow(model: .projectionImage, fields: cell.capturedProjections[projection.rawValue])
        }
        let width = projection.isSide ? stack.yzWidth : stack.frameWidth
        let extreme = projection.isMinimum ? "Minimum" : "Maximum"
        return RMARow(
            model: .projectionImage,
            fields: [
                "annotated": .bool(false), "axes": .string(projection.axes), "bits_per_component": .int(8),
                "data_set_id": .null, "expression": .null, "expression_path": .null, "failed": .bool(false),
                "height": .int(stack.frameHeight), "id": .int(stack.projections[projection.rawValue]),
                "image_height": .int(stack.frameHeight),
                "image_type": .string("\(extreme)IntensityProjection - \(projection.axes)"),
                "image_width": .int(width), "isi_experiment_id": .null, "lims1_id": .null,
                "number_of_components": .int(1), "ophys_experiment_id": .null,
                "path": .string(projectionPath(projection, of: cell, stack)),
                "projection_function": .string(projection.function), "resolution": .double(Imaging.pixel),
                "section_number": .int(0), "specimen_id": .int(cell.id), "structure_id": .null,
                "tier_count": .int(tiers(stack)), "width": .int(width), "x": .int(0), "y": .int(0),
            ])
    }

    /// File number and section number differ by one, as in the captured stack. The number in the folder's name belongs
    /// to no row.
    private static func planePath(_ position: Int, _ stack: Stack) -> String {
        let number = String(stack.sections[position] - 1)
        let name = "\(stack.barcode)-" + String(repeating: "0", count: max(0, 4 - number.utf8.count)) + number
        return
            "/external/\(stack.root)/prod\(100 + stack.specimen % 400)/\(name)_\(stack.subImages[position] - 3)/\(name).aff"
    }

    /// The catalogue has the path of the min xy projection. The other projections are in the same folder.
    private static func projectionPath(_ projection: Projection, of cell: Cell, _ stack: Stack) -> String {
        let file = "\(projection.function)_\(projection.axes)_\(cell.id).aff"
        let known = cell.details["si__path"]?.stringValue
        let folder = known.map { $0.split(separator: "/").dropLast().joined(separator: "/") }
        return "/" + (folder ?? "external/\(stack.root)/specimen_\(cell.id)") + "/" + file
    }

    /// The halvings until the longer side is below 256 px, plus one for the full image: 6 for 7570 px.
    private static func tiers(_ stack: Stack) -> Int {
        var tiers = 1
        var side = max(stack.frameWidth, stack.frameHeight)
        while side >= 256 {
            side /= 2
            tiers += 1
        }
        return tiers
    }

    /// The image at a path of these rows.
    static func image(path: String, in world: World) throws -> ImageReference? {
        let parts = path.split(separator: "/")
        guard let file = parts.last, parts.count >= 3 else { return nil }
        let words = file.split { $0 == "_" || $0 == "." }
        if words.count == 4, let specimen = Int(words[2]), let cell = world.cell(specimen: specimen),
            let stack = try world.stack(cell)
        {
            let match = Projection.allCases.first { $0.function == words[0] && $0.axes == words[1] }
            guard let match, projection(match, of: cell, stack).fields["path"]?.stringValue == path else { return nil }
            return .projection(cell, stack, match)
        }
        guard let folder = parts.dropLast().last, let number = folder.split(separator: "_").last.flatMap({ Int($0) })
        else { return nil }
        if let reference = try world.plane(id: number + 3), let image = try plane(reference, path, world) {
            return image
        }
        return try world.capturedPlane(path: path).flatMap { try plane($0, path, world) }
    }

    private static func plane(
        _ reference: World.PlaneReference, _ path: String, _ world: World
    ) throws -> ImageReference? {
        let cell = world.cells[reference.cell]
        guard let stack = try world.stack(cell),
            plane(reference.position, of: cell, stack).fields["path"]?.stringValue == path
        else { return nil }
        return .plane(cell, stack, position: reference.position)
    }
}

/// An image that can be rendered.
enum ImageReference {
    case plane(Cell, Stack, position: Int)
    case projection(Cell, Stack, Projection)

    /// The row of the image, which states size and path.
    var row: RMARow {
        switch self {
        case .plane(let cell, let stack, let position): ImageRows.plane(position, of: cell, stack)
        case .projection(let cell, let stack, let projection): ImageRows.projection(projection, of: cell, stack)
        }
    }
}
