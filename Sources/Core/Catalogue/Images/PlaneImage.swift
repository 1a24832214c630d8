internal import Support

/// One z plane of a stack: a row of `SubImage`.
public struct PlaneImage: Hashable, Sendable {
    /// `id`, by which the image service knows the plane.
    public let imageID: Int
    /// `section_number`.
    public let sectionNumber: Int
    /// Left edge in the full frame, pixels.
    public let x: Int
    /// Top edge in the full frame, pixels.
    public let y: Int
    /// Width, pixels, 1 to 65535 (the limit of JPEG).
    public let width: Int
    /// Height, pixels, 1 to 65535.
    public let height: Int
    /// `image_width`: width of the full frame, pixels; the plane's right edge where it is not given.
    public let frameWidth: Int
    /// `image_height`: height of the full frame, pixels.
    public let frameHeight: Int
    /// Pixel spacing in micrometres, ``smallestResolution`` to ``largestResolution``.
    public let resolution: Double
    /// Number of zoom tiers, a factor of 2 each.
    public let tierCount: Int?
    /// Whether the upstream marked the plane as failed.
    public let failed: Bool
    /// Where the image server keeps the plane.
    public let path: String?

    /// Pixel spacing of the 63x/1.4 oil objective, micrometres (CellTypes_Morph_Overview.pdf), for rows that give none.
    public static let standardResolution = 0.1144
    /// A pixel spacing below this, in micrometres, is a fault of the row.
    static let smallestResolution = 0.001
    /// A pixel spacing above this, in micrometres, is a fault of the row: a millimetre, which no microscope has.
    static let largestResolution = 1000.0
    /// The longest side of a JPEG image, pixels.
    static let longestSide = 65535
}

/// A row of `SubImage` before it is known which rows make the stack.
struct PlaneRow {
    let plane: PlaneImage
    let dataSetID: Int?
    let isPrimary: Bool

    /// The fields that are used, in the order in which the store keeps them.
    static let fields = [
        "id", "data_set_id", "section_number", "x", "y", "width", "height", "image_width", "image_height", "resolution",
        "tier_count", "failed", "image_type", "path",
    ]

    /// Reads a row; `nil` where an id, a section number or a size is missing or cannot be.
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
        let resolution = field("resolution")?.doubleValue ?? PlaneImage.standardResolution
        let failed = field("failed")
        plane = PlaneImage(
            imageID: id, sectionNumber: section, x: x, y: y, width: width, height: height,
            frameWidth: side("image_width") ?? x + width, frameHeight: side("image_height") ?? y + height,
            resolution: (PlaneImage.smallestResolution...PlaneImage.largestResolution).contains(resolution)
                ? resolution : PlaneImage.standardResolution,
            tierCount: int("tier_count"), failed: failed?.boolValue ?? (failed?.stringValue == "true"),
            path: field("path")?.stringValue.flatMap { $0.isEmpty ? nil : $0 })
        dataSetID = int("data_set_id")
        let type = field("image_type")?.stringValue ?? ""
        isPrimary = type.isEmpty || type == "Primary"
    }
}
