internal import Support

/// A file that belongs to a reconstruction: a row of `WellKnownFile` within `NeuronReconstruction`.
package struct WellKnownFile: Hashable, Sendable {
    /// `id`, by which the download service knows the file.
    package let id: Int
    /// `well_known_file_type_id`, ``markerType`` or another.
    package let typeID: Int
    /// `attachable_id`: the reconstruction that the file belongs to.
    package let reconstructionID: Int?

    /// Type of the marker file, `3DNeuronMarker` (docs/DATA.md 2). The names of skeleton and marker both end in `.swc`.
    package static let markerType = 486_753_749

    /// Reads the files of all rows of `NeuronReconstruction`, by id.
    static func all(reconstructions rows: [JSONObject], issues: inout IssueList) -> [WellKnownFile] {
        var files: [Int: WellKnownFile] = [:]
        for row in rows {
            for entry in row["well_known_files"]?.arrayValue ?? [] {
                guard let file = entry.objectValue, let id = file.positiveInt("id"),
                    let type = file.positiveInt("well_known_file_type_id")
                else {
                    issues.add(.unusableFile, entry["id"]?.text() ?? "no id")
                    continue
                }
                files[id] = WellKnownFile(
                    id: id, typeID: type, reconstructionID: row.positiveInt("id") ?? file.positiveInt("attachable_id"))
            }
        }
        return files.values.sorted { $0.id < $1.id }
    }
}
