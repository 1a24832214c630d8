internal import Specimens
internal import Support

/// A row of `SubImage` (docs/DATA.md 3) before it is known which rows make the stack.
struct PlaneRow {
    let plane: PlaneImage
    let dataSetID: Int?
    let isPrimary: Bool

    /// A pixel spacing outside of this range, um, is a fault of the row: no microscope has a millimetre.
    private static let possibleSpacing = 0.001...1000.0

    /// The fields that the store keeps, in its order; ``init(field:)`` reads all but the tier count and the path.
    static let fields = [
        "id", "data_set_id", "section_number", "x", "y", "width", "height", "image_width", "image_height", "resolution",
        "tier_count", "failed", "image_type", "path",
    ]

    /// Reads a row; nil where an id, a section number or a size is missing or cannot be.
    init?(field: (String) -> JSONValue?) {
        func int(_ key: String) -> Int? { field(key)?.intValue }
        func side(_ key: String) -> Int? { int(key).flatMap { (1...PlaneImage.longestSide).contains($0) ? $0 : nil } }
        func offset(_ key: String) -> Int? { int(key).flatMap { (0...PlaneImage.longestSide).contains($0) ? $0 : nil } }
        guard let id = int("id"), id > 0, let section = int("section_number"),
            (-999_999...999_999).contains(section),
            let width = side("width"), let height = side("height")
        else { return nil }
        let x = offset("x") ?? 0
        let y = offset("y") ?? 0
        let resolution = field("resolution")?.doubleValue.flatMap { Self.possibleSpacing.contains($0) ? $0 : nil }
        let spacing = resolution ?? VoxelSpacing.allen.x
        let failed = field("failed")
        plane = PlaneImage(
            imageID: id, sectionNumber: section, x: x, y: y, width: width, height: height,
            frameWidth: side("image_width") ?? x + width, frameHeight: side("image_height") ?? y + height,
            xSpacing: spacing, ySpacing: spacing,
            failed: failed?.boolValue ?? (failed?.stringValue == "true"))
        dataSetID = int("data_set_id")
        let type = field("image_type")?.stringValue ?? ""
        isPrimary = type.isEmpty || type == "Primary"
    }
}
