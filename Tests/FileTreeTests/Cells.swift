import Catalogue
import SpecimenData
import Support

@testable import FileTree

/// Cells of the tests: 1 with images and skeleton, 2 with neither, 3 with images alone, of which no plane is usable.
enum Cells {
    static let rows = [
        row(1, ["nrwkf__id": .int(11), "erwkf__id": .int(12), "si__path": .string("/1.aff")]), row(2),
        row(3, ["si__path": .string("/3.aff")]),
    ]

    static func row(_ id: Int, _ more: JSONObject = [:]) -> JSONObject {
        var row: JSONObject = [
            "specimen__id": .int(id), "specimen__name": .string("cell \(id)"),
            "donor__species": .string("Mus musculus"),
        ]
        for (key, value) in more.members { row[key] = value }
        return row
    }

    static let planes = [0, 1, 3].map { section -> JSONObject in
        [
            "id": .int(100 + section), "data_set_id": .int(1), "section_number": .int(section), "x": .int(0),
            "y": .int(0), "width": .int(600), "height": .int(500),
        ]
    }

    /// What an earlier mount has learnt: planes 0, 1 and 3 of cell 1, and the lengths of its files.
    static func keep(_ store: CatalogueStore) throws {
        try store.saveDetails(subImages: planes, projections: [], reconstructions: [], of: 1, at: 1)
        try store.saveDetails(subImages: [], projections: [], reconstructions: [], of: 3, at: 1)
        for (file, length) in [(11, 1111), (12, 1212)] {
            let id = RemoteFile.id(of: file, specimen: 1)
            try store.saveObject(ObjectRecord(id: id, length: length, etag: "\"1\"", checkedAt: wallClockSeconds()))
        }
    }
}

extension Result where Success == FileAttributes, Failure == FileTreeError {
    var isAbsent: Bool { if case .failure(.notFound) = self { true } else { false } }
}

extension Result where Failure == FileTreeError {
    var isNotFound: Bool { if case .failure(.notFound) = self { true } else { false } }
}
