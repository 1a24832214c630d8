internal import Specimens
internal import Support

extension Projection {
    /// Reads a row of `ProjectionImage` (docs/DATA.md 3); nil for another kind of projection, a failed one, and one without
    /// id or size. A corner that cannot be is 0.
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
        func offset(_ key: String) -> Int {
            row[key]?.intValue.flatMap { (0...PlaneImage.longestSide).contains($0) ? $0 : nil } ?? 0
        }
        self.init(
            imageID: id, axes: axes, function: function, x: offset("x"), y: offset("y"), width: width, height: height)
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
