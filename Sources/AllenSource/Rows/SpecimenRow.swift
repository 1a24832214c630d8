internal import Specimens
internal import Support

extension Specimen {
    /// The largest id that is taken: ids of the database have 31 bits, and an inode number has room for 32.
    static let largestDatabaseID = Int(UInt32.max)

    /// Reads row number `index` of the cell list, `ApiCellTypesSpecimenDetail` (docs/DATA.md 2); nil, with an issue, when it
    /// cannot be shown as a cell.
    ///
    /// An empty string and `null` both mean absent.
    ///
    /// - Parameter text: the row as it is kept.
    init?(row: JSONObject, text: RowText, index: Int, issues: inout IssueList) {
        guard let id = row.positiveInt("specimen__id"), id <= Self.largestDatabaseID else {
            issues.add(.missingSpecimenID, "row \(index)")
            return nil
        }
        guard let species = row.text("donor__species").flatMap(Species.init(scientificName:)) else {
            issues.add(.unknownSpecies, "\(id): \(row.text("donor__species") ?? "none")")
            return nil
        }
        if row.text("specimen__name") == nil { issues.add(.missingName, String(id)) }
        self.init(
            id: id, name: row.text("specimen__name") ?? String(id), place: Place(species, id), species: species,
            donorID: row.positiveInt("donor__id"), donorName: row.text("donor__name"),
            structureAcronym: row.text("structure__acronym"),
            structureParentAcronym: row.text("structure_parent__acronym"), layer: row.text("structure__layer"),
            lineName: row.text("line_name"), dendriteType: row.text("tag__dendrite_type"),
            reconstructionType: row.text("nr__reconstruction_type"),
            skeleton: row.positiveInt("nrwkf__id").map { .file($0, of: id) },
            recording: row.positiveInt("erwkf__id").map { .file($0, of: id) },
            // The path of the minimum projection: cells without images have none.
            hasImages: row.text("si__path") != nil, row: text)
    }
}

extension JSONObject {
    /// The text of a field, nil where it is missing, null or empty. A number counts as its spelling. A NUL character, which
    /// no file name may hold, becomes U+FFFD.
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
}
