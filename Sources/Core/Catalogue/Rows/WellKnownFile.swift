internal import Support

/// A file that belongs to a reconstruction: a row of `WellKnownFile` within `NeuronReconstruction`.
public struct WellKnownFile: Hashable, Sendable {
    /// `id`, by which the download service knows the file.
    public let id: Int
    /// `well_known_file_type_id`, one of the constants below or another.
    public let typeID: Int
    /// `attachable_id`: the reconstruction that the file belongs to.
    public let reconstructionID: Int?
    /// Whether that reconstruction has been replaced by a later one.
    public let isSuperseded: Bool
    /// Where the upstream keeps the file. The marker file's name ends in `.swc`, too: go by the type.
    public let path: String?
    /// The path of the download, for example `/api/v2/well_known_file_download/492413274`.
    public let downloadLink: String?

    /// Type of the SWC, `3DNeuronReconstruction`.
    public static let skeletonType = 303_941_301
    /// Type of the marker file, `3DNeuronMarker`.
    public static let markerType = 486_753_749
    /// Type of the picture of the reconstruction.
    public static let pictureType = 480_715_721

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
                    id: id, typeID: type, reconstructionID: row.positiveInt("id") ?? file.positiveInt("attachable_id"),
                    isSuperseded: row["superseded"]?.boolValue ?? false, path: file.text("path"),
                    downloadLink: file.text("download_link"))
            }
        }
        return files.values.sorted { $0.id < $1.id }
    }
}
