internal import Support

/// The typed fields of a specimen, apart from where its row is kept.
struct SpecimenFields: Equatable {
    var id: Int
    var name: String
    var species: Species
    var donorID: Int?
    var donorName: String?
    var structureAcronym: String?
    var structureParentAcronym: String?
    var layer: String?
    var lineName: String?
    var dendriteType: String?
    var apical: String?
    var reconstructionType: String?
    var skeletonFileID: Int?
    var recordingFileID: Int?
    var frameWidth: Int?
    var frameHeight: Int?
    var projectionPath: String?
}

extension SpecimenFields {
    /// Reads row number `index` of the cell list; `nil`, with an issue, when it cannot be shown as a cell.
    init?(row: JSONObject, index: Int, issues: inout IssueList) {
        guard let id = row.positiveInt("specimen__id"), id <= Specimen.largestID else {
            issues.add(.missingSpecimenID, "row \(index)")
            return nil
        }
        guard let species = row.text("donor__species").flatMap(Species.init(scientificName:)) else {
            issues.add(.unknownSpecies, "\(id): \(row.text("donor__species") ?? "none")")
            return nil
        }
        if row.text("specimen__name") == nil { issues.add(.missingName, String(id)) }
        self.init(
            id: id, name: row.text("specimen__name") ?? String(id), species: species,
            donorID: row.positiveInt("donor__id"), donorName: row.text("donor__name"),
            structureAcronym: row.text("structure__acronym"),
            structureParentAcronym: row.text("structure_parent__acronym"), layer: row.text("structure__layer"),
            lineName: row.text("line_name"), dendriteType: row.text("tag__dendrite_type"),
            apical: row.text("tag__apical"), reconstructionType: row.text("nr__reconstruction_type"),
            skeletonFileID: row.positiveInt("nrwkf__id"), recordingFileID: row.positiveInt("erwkf__id"),
            frameWidth: row.frameSide("si__width"), frameHeight: row.frameSide("si__height"),
            projectionPath: row.text("si__path"))
    }
}

extension JSONObject {
    /// The text of a field, `nil` where it is missing, null or empty. A number counts as its spelling.
    func text(_ key: String) -> String? {
        switch self[key] {
        case .string(let text)?, .number(let text)?:
            if text.isEmpty { return nil }
            return text.utf8.contains(0) ? text.replacing("\0", with: "\u{FFFD}") : text
        default: return nil
        }
    }

    /// A field that is an id or a size: a whole number above zero, also where it is spelt as a string.
    func positiveInt(_ key: String) -> Int? {
        guard let value = self[key]?.intValue, value > 0 else { return nil }
        return value
    }

    /// A field that is a side of an image frame in px: 1...65536, more than any picture of the database has.
    func frameSide(_ key: String) -> Int? { positiveInt(key).flatMap { $0 <= 1 << 16 ? $0 : nil } }
}
