import Foundation
import Logging
import Specimens
import Support
import Testing

@testable import AllenSource

/// Real data of the Allen Institute, when it is there: `NEURONFS_REAL_DATA`, else `shared/allen` beside the repository.
enum RealData {
    static let folder: String? = {
        let beside = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent().appendingPathComponent("shared/allen").path
        let candidates = [ProcessInfo.processInfo.environment["NEURONFS_REAL_DATA"], beside].compactMap { $0 }
        return candidates.first { FileManager.default.fileExists(atPath: $0) }
    }()

    static func bytes(_ name: String) throws -> [UInt8] {
        let folder = try #require(folder)
        return [UInt8](try Data(contentsOf: URL(fileURLWithPath: "\(folder)/\(name)")))
    }

    static func has(_ name: String) -> Bool {
        folder.map { FileManager.default.fileExists(atPath: "\($0)/\(name)") } ?? false
    }
}

/// A folder that is removed with the object.
final class TemporaryFolder: Sendable {
    let path: String

    init() throws {
        let name = "neuronfs-catalogue-\(UInt64.random(in: 0...UInt64.max))"
        path = FileManager.default.temporaryDirectory.appendingPathComponent(name).path
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    var database: String { "\(path)/catalogue.sqlite" }

    func bytes(_ file: String) throws -> [UInt8] { [UInt8](try Data(contentsOf: URL(fileURLWithPath: file))) }

    func clear() throws {
        for name in names { try FileManager.default.removeItem(atPath: "\(path)/\(name)") }
    }

    func write(_ bytes: [UInt8], to file: String) throws { try Data(bytes).write(to: URL(fileURLWithPath: file)) }

    var names: [String] { ((try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []).sorted() }
}

extension Logger {
    /// Says nothing: a test expects what would be a warning.
    static var silent: Logger { Logger(label: "test") { _ in SwiftLogNoOpLogHandler() } }
}

/// Rows made by hand.
enum Rows {
    static func cell(
        _ id: Int, species: String = "Mus musculus", donor: Int? = 1, trainable: Bool = true,
        _ more: JSONObject = [:]
    ) -> JSONObject {
        var row: JSONObject = [
            "specimen__id": .int(id), "specimen__name": .string("cell \(id)"), "donor__species": .string(species),
            "donor__id": donor.map { .int($0) } ?? .null,
        ]
        if trainable {
            row["nrwkf__id"] = .int(id + 2)
            row["si__path"] = .string("/external/min_xy_\(id).aff")
        }
        for (key, value) in more.members { row[key] = value }
        return row
    }

    static func plane(_ id: Int, section: Int?, _ more: JSONObject = [:]) -> JSONObject {
        var row: JSONObject = [
            "id": .int(id), "data_set_id": .int(1), "section_number": section.map { .int($0) } ?? .null, "x": .int(1),
            "y": .int(1), "width": .int(100), "height": .int(80), "image_width": .int(102), "image_height": .int(82),
            "resolution": .number("0.1144"), "tier_count": .int(6), "failed": .bool(false),
            "image_type": .string("Primary"),
        ]
        for (key, value) in more.members { row[key] = value }
        return row
    }

    static func parse(_ text: String) throws -> [JSONObject] {
        try #require(try JSONValue.parse(text).arrayValue).compactMap(\.objectValue)
    }
}

extension SpecimenList {
    /// The list that `rows` make.
    init(rows: [JSONObject], at time: Double) throws {
        self = try CellList(rows: rows).list(at: time, generation: 1)
    }
}

/// A small store with the given rows of one cell in it.
func details(
    subImages: [JSONObject]? = nil, projections: [JSONObject]? = nil, reconstructions: [JSONObject]? = nil
) throws -> SpecimenDetails {
    let folder = try TemporaryFolder()
    let store = try CatalogueStore(path: folder.database)
    try store.saveDetails(
        subImages: subImages, projections: projections, reconstructions: reconstructions, of: 7, at: 5)
    let details = try #require(try store.details(of: 7))
    try store.close()
    return details
}
