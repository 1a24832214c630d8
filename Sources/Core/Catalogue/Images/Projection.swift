internal import Support

/// A projection of the whole stack: a row of `ProjectionImage`.
public struct Projection: Hashable, Sendable {
    /// The plane projected onto.
    public enum Axes: String, Sendable, CaseIterable {
        /// Seen along z.
        case xy
        /// Seen along x; width is depth in units of the pixel spacing.
        case yz
    }

    /// What is kept of the values along the line of sight.
    public enum Function: String, Sendable, CaseIterable {
        /// The darkest.
        case min
        /// The brightest.
        case max
    }

    /// `id`, by which the image service knows the projection.
    public let imageID: Int
    /// The plane projected onto.
    public let axes: Axes
    /// What is kept along the line of sight.
    public let function: Function
    /// Left edge, pixels; 0 where the row tells none that can be.
    public let x: Int
    /// Top edge, pixels; as the left one.
    public let y: Int
    /// Width, pixels.
    public let width: Int
    /// Height, pixels.
    public let height: Int

    /// For example `min_xy.jpg`.
    public var fileName: String { "\(function.rawValue)_\(axes.rawValue).jpg" }

    /// Reads a row; `nil` for another kind of projection, a failed one, and one without id or size.
    init?(row: JSONObject) {
        let type = row.text("image_type")?.lowercased() ?? ""
        let kind =
            row.text("projection_function") ?? (type.hasPrefix("min") ? "min" : type.hasPrefix("max") ? "max" : "")
        guard let id = row.positiveInt("id"), row["failed"]?.boolValue != true,
            let axes = Axes(rawValue: row.text("axes") ?? String(type.suffix(2))),
            let function = Function(rawValue: kind),
            let width = row.positiveInt("width"), width <= PlaneImage.longestSide,
            let height = row.positiveInt("height"), height <= PlaneImage.longestSide
        else { return nil }
        imageID = id
        self.axes = axes
        self.function = function
        self.width = width
        self.height = height
        func offset(_ key: String) -> Int {
            row[key]?.intValue.flatMap { (0...PlaneImage.longestSide).contains($0) ? $0 : nil } ?? 0
        }
        x = offset("x")
        y = offset("y")
    }

    /// Reads all rows, one projection of each kind (the highest id where there are more), by file name.
    static func all(rows: [JSONObject], issues: inout IssueList) -> [Projection] {
        var byName: [String: Projection] = [:]
        for row in rows {
            guard let projection = Projection(row: row) else {
                issues.add(.unusableProjection, row["id"]?.text() ?? "no id")
                continue
            }
            if let rival = byName[projection.fileName], rival.imageID > projection.imageID { continue }
            byName[projection.fileName] = projection
        }
        return byName.values.sorted { $0.fileName < $1.fileName }
    }
}
