import Support

/// Kinds of files by the id of their WellKnownFileType. The first three ids are documented (docs/DATA.md 2); the id of
/// the recording is invented.
enum FileKind: Int, CaseIterable {
    case skeleton = 303_941_301
    case markers = 486_753_749
    case picture = 480_715_721
    case recording = 481_007_198

    init(_ kind: World.FileReference.Kind) {
        switch kind {
        case .skeleton: self = .skeleton
        case .markers: self = .markers
        case .picture: self = .picture
        case .recording: self = .recording
        }
    }

    /// The names that AllenSDK asks for.
    var name: String {
        switch self {
        case .skeleton: "3DNeuronReconstruction"
        case .markers: "3DNeuronMarker"
        case .picture: "MorphologySummary"
        case .recording: "NWBDownload"
        }
    }

    var row: RMARow { RMARow(model: .wellKnownFileType, fields: ["id": .int(rawValue), "name": .string(name)]) }

    /// The download name (docs/DATA.md 2). That of the marker file also ends in `.swc`.
    func fileName(_ cell: Cell) -> String {
        let reconstruction = cell.reconstruction.map(String.init) ?? ""
        return switch self {
        case .skeleton: "\(cell.fileStem)_\(reconstruction)_m.swc"
        case .markers: "\(cell.fileStem)_\(reconstruction)_marker_m.swc"
        case .picture: "morphology_summary_\(reconstruction).png"
        case .recording: "\(cell.id)_ephys.nwb"
        }
    }

    var contentType: String {
        switch self {
        case .skeleton, .markers, .recording: "application/octet-stream"
        case .picture: "image/png"
        }
    }

    func file(_ id: Int, of cell: Cell) -> RMARow {
        let attachable = self == .recording ? RMAModel.ephysResult : .neuronReconstruction
        let attachableID = self == .recording ? MadeID.id(cell, .ephysResult) : cell.reconstruction ?? 0
        let root = cell.isHuman ? "humancelltypes" : "mousecelltypes"
        return RMARow(
            model: .wellKnownFile,
            fields: [
                "attachable_id": .int(attachableID), "attachable_type": .string(attachable.rawValue),
                "download_link": .string("/api/v2/well_known_file_download/\(id)"), "id": .int(id),
                "path": .string("/external/\(root)/prod\(100 + cell.id % 400)/specimen_\(cell.id)/\(fileName(cell))"),
                "well_known_file_type_id": .int(rawValue),
            ])
    }
}

/// NeuronReconstruction rows, as far as the catalogue states their values.
enum ReconstructionRow {
    static func make(_ cell: Cell) -> RMARow? {
        guard let id = cell.reconstruction else { return nil }
        let details = cell.details
        return RMARow(
            model: .neuronReconstruction,
            fields: [
                "average_contraction": details["nr__average_contraction"] ?? .null,
                "average_parent_daughter_ratio": details["nr__average_parent_daughter_ratio"] ?? .null,
                "id": .int(id), "max_euclidean_distance": details["nr__max_euclidean_distance"] ?? .null,
                "neuron_reconstruction_type": details["nr__reconstruction_type"] ?? .null,
                "number_bifurcations": details["nr__number_bifurcations"] ?? .null,
                "number_stems": details["nr__number_stems"] ?? .null,
                "scale_factor_x": .double(Imaging.pixel), "scale_factor_y": .double(Imaging.pixel),
                "scale_factor_z": .double(Imaging.plane), "specimen_id": .int(cell.id), "superseded": .bool(false),
                "tags": .null,
            ])
    }
}
