import Foundation
import Support

/// Real files in a folder: `cell_types_specimen_details.csv`, `swc/<specimen>.swc`, `markers/<specimen>_marker.swc`,
/// `rma/subimage_<specimen>_first*.json` and `rma/projectionimage_<specimen>.json`.
enum DataFolder {
    static func read(_ path: String) throws -> [UInt8] {
        guard let data = FileManager.default.contents(atPath: path) else {
            throw WorldError(description: "cannot read \(path)")
        }
        return Array(data)
    }

    static func cells(_ directory: String) throws -> [Cell] {
        let table = CSVTable.parse(try read(directory + "/cell_types_specimen_details.csv"))
        guard let header = table.first?.map(\.text), Set(header).isSuperset(of: ["specimen__id"]) else {
            throw WorldError(description: "\(directory)/cell_types_specimen_details.csv has no header")
        }
        let skeletons = try files(directory + "/swc", suffix: ".swc")
        let markers = try files(directory + "/markers", suffix: "_marker.swc")
        let captured = try capturedReplies(directory + "/rma")
        let sorted = header.indices.sorted { header[$0] < header[$1] }
        var cells: [Cell] = []
        for (line, fields) in table.dropFirst().enumerated() {
            guard fields.count == header.count else {
                throw WorldError(description: "line \(line + 2) of the catalogue has \(fields.count) fields")
            }
            var details = JSONObject()
            for column in sorted {
                details[header[column]] = Columns.value(fields[column], column: header[column])
            }
            guard let id = details["specimen__id"]?.intValue else {
                throw WorldError(description: "line \(line + 2) of the catalogue has no specimen id")
            }
            var cell = Cell(id: id, ordinal: cells.count, details: details)
            complete(&cell, skeleton: skeletons[id], markers: markers[id], captured: captured[id])
            cells.append(cell)
        }
        return cells
    }

    struct Captured {
        var planes: [JSONObject] = []
        var planeCount = 0
        var projections: [JSONObject] = []
    }

    private static func complete(_ cell: inout Cell, skeleton: String?, markers: String?, captured: Captured?) {
        if let markers, cell.skeletonFile != nil { cell.markers = .file(markers) }
        guard let width = cell.frameWidth, let height = cell.frameHeight else { return }
        cell.capturedPlanes = captured?.planes ?? []
        cell.capturedProjections = captured?.projections ?? []
        if let first = cell.capturedPlanes.first?["section_number"]?.intValue, let count = captured?.planeCount {
            cell.sections = Array(first..<first + count)
        } else {
            cell.sections = measuredStacks[cell.id].map { Array($0) }
        }
        guard skeleton == nil else {
            cell.neuron = skeleton.map { .file($0) }
            return
        }
        var random = Random(seed: cell.id, stream: 3)
        // Stacks of the challenge set have 228 to 850 planes, median 467 (docs/DATA.md 6).
        let planes = cell.sections?.count ?? random.whole(240...620)
        cell.sections = cell.sections ?? Array(2..<2 + planes)
        cell.neuron = .grown(
            NeuronPlan(
                seed: cell.id, width: Double(width) * Imaging.pixel, height: Double(height) * Imaging.pixel,
                depth: Double(planes) * Imaging.plane,
                isPyramidal: cell.details["tag__dendrite_type"]?.stringValue == "spiny",
                fullAxon: cell.details["nr__reconstruction_type"]?.stringValue == "full"))
    }

    /// Stacks whose sections are known from live replies (docs/DATA.md 3).
    private static let measuredStacks: [Int: Range<Int>] = [313_862_022: 2..<629, 529_878_215: 26..<546]

    /// Paths by specimen id. A file whose name is no number before the suffix is not in the image frame, and is not
    /// served.
    private static func files(_ directory: String, suffix: String) throws -> [Int: String] {
        var paths: [Int: String] = [:]
        guard FileManager.default.fileExists(atPath: directory) else { return paths }
        for name in try FileManager.default.contentsOfDirectory(atPath: directory) where name.hasSuffix(suffix) {
            if let id = Int(name.dropLast(suffix.count)) { paths[id] = directory + "/" + name }
        }
        return paths
    }

    private static func capturedReplies(_ directory: String) throws -> [Int: Captured] {
        var captured: [Int: Captured] = [:]
        guard FileManager.default.fileExists(atPath: directory) else { return captured }
        for name in try FileManager.default.contentsOfDirectory(atPath: directory) where name.hasSuffix(".json") {
            let parts = name.dropLast(".json".count).split(separator: "_")
            guard parts.count >= 2, let id = Int(parts[1]) else { continue }
            let reply = try JSONValue.parse(read(directory + "/" + name))
            let rows = reply["msg"]?.arrayValue?.compactMap(\.objectValue) ?? []
            if parts[0] == "subimage" {
                captured[id, default: Captured()].planes = rows
                captured[id, default: Captured()].planeCount = reply["total_rows"]?.intValue ?? rows.count
            } else if parts[0] == "projectionimage" {
                captured[id, default: Captured()].projections = rows
            }
        }
        return captured
    }
}

extension World {
    /// The real catalogue with the real skeletons and markers of a folder. A cell without a skeleton there gets one
    /// that is grown within its frame.
    /// - Parameter directory: Path of the folder.
    /// - Throws: `WorldError` or a JSON error when the folder cannot be read.
    package static func load(directory: String) throws -> World { World(cells: try DataFolder.cells(directory)) }
}
