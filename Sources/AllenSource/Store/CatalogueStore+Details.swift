internal import GRDB
internal import Specimens
package import Support

extension CatalogueStore {
    /// What is kept about the images and files of the cell `id`; nil where nothing has been saved. Damaged details are
    /// forgotten with a warning, as if they had never been saved.
    package func details(of id: Int) throws(CatalogueError) -> SpecimenDetails? {
        let kept = try gate.run("reading the details of \(id)") { pool in
            let sql = "SELECT fetched_at, sub_images, projections, reconstructions FROM details WHERE specimen = ?"
            return try pool.read { database -> DetailsText? in
                guard let row = try Row.fetchOne(database, sql: sql, arguments: [id]) else { return nil }
                return DetailsText(
                    fetchedAt: row.double(0) ?? 0, subImages: try row.bytes(1), projections: try row.bytes(2),
                    reconstructions: try row.bytes(3))
            }
        }
        // Outside of the gate: that would take the damage for damage of the whole file.
        do throws(DamagedContent) {
            return try kept?.details(of: id)
        } catch {
            drop("details of \(id)", because: error) { () throws(CatalogueError) in try removeDetails(of: id) }
            return nil
        }
    }

    /// Keeps the rows of the three queries about the cell `id`. A part that is nil stays as it was. An empty
    /// part means that the cell has nothing of that kind.
    ///
    /// - Parameters:
    ///   - subImages: all rows of ``RMA/subImagesURL(base:specimenID:startRow:)``.
    ///   - projections: all rows of ``RMA/projectionsURL(base:specimenID:)``.
    ///   - reconstructions: all rows of ``RMA/reconstructionsURL(base:specimenID:)``.
    ///   - time: wall clock, seconds since 1970.
    package func saveDetails(
        subImages: [JSONObject]? = nil, projections: [JSONObject]? = nil, reconstructions: [JSONObject]? = nil,
        of id: Int, at time: Double
    ) throws(CatalogueError) {
        let parts = [
            subImages.map { DetailsText.planes($0, of: id) }, projections.map { DetailsText.objects($0, of: id) },
            reconstructions.map { DetailsText.objects($0, of: id) },
        ]
        let sql = """
            INSERT INTO details VALUES (?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET
                fetched_at = excluded.fetched_at,
                sub_images = coalesce(excluded.sub_images, sub_images),
                projections = coalesce(excluded.projections, projections),
                reconstructions = coalesce(excluded.reconstructions, reconstructions)
            """
        try keep("keeping the details of \(id)") { database in
            try database.execute(sql: sql, arguments: [id, time] + StatementArguments(parts.map { $0.map(blob) }))
        }
    }

    /// Forgets the details of the cell `id`, so that they are asked for again.
    package func removeDetails(of id: Int) throws(CatalogueError) {
        try keep("forgetting the details of \(id)") { database in
            try database.execute(sql: "DELETE FROM details WHERE specimen = ?", arguments: [id])
        }
    }
}

/// The rows of a cell as they are kept: JSON behind a CRC-32C of the JSON and the id of the cell.
struct DetailsText {
    let fetchedAt: Double
    let subImages: [UInt8]?
    let projections: [UInt8]?
    let reconstructions: [UInt8]?

    /// Only the fields that are used, as a list of lists in the order of ``PlaneRow/fields``: 627 rows take 80 kB
    /// instead of 340 kB.
    static func planes(_ rows: [JSONObject], of id: Int) -> [UInt8] {
        let list = rows.map { row in JSONValue.array(PlaneRow.fields.map { row[$0] ?? .null }) }
        return sealed(JSONValue.array(list).bytes(), of: id)
    }

    /// The rows as they arrived.
    static func objects(_ rows: [JSONObject], of id: Int) -> [UInt8] {
        sealed(JSONValue.array(rows.map { .object($0) }).bytes(), of: id)
    }

    func details(of id: Int) throws(DamagedContent) -> SpecimenDetails {
        var issues = IssueList()
        var parts: Set<SpecimenDetails.Part> = []
        if subImages != nil { parts.insert(.subImages) }
        if projections != nil { parts.insert(.projections) }
        if reconstructions != nil { parts.insert(.reconstructions) }
        let rows = Self.planeRows(try Self.values(subImages, of: id), issues: &issues)
        let stack = ImageStack(rows: rows, issues: &issues)
        let views = Projection.all(
            rows: try Self.values(projections, of: id).compactMap(\.objectValue), issues: &issues)
        let owners = try Self.values(reconstructions, of: id).compactMap(\.objectValue)
        let files = WellKnownFile.all(reconstructions: owners, issues: &issues)
        return SpecimenDetails(
            specimenID: id, parts: parts, stack: stack, projections: views, files: files, fetchedAt: fetchedAt,
            issues: issues.issues)
    }

    private static func planeRows(_ list: [JSONValue], issues: inout IssueList) -> [PlaneRow] {
        let places = Dictionary(uniqueKeysWithValues: PlaneRow.fields.enumerated().map { ($1, $0) })
        var rows: [PlaneRow] = []
        for value in list {
            let values = value.arrayValue ?? []
            let row = PlaneRow { field in places[field].flatMap { $0 < values.count ? values[$0] : nil } }
            if let row { rows.append(row) } else { issues.add(.unusableImage, values.first?.text() ?? "no id") }
        }
        return rows
    }

    private static func values(_ sealed: [UInt8]?, of id: Int) throws(DamagedContent) -> [JSONValue] {
        guard let sealed else { return [] }
        guard let text = unsealed(sealed, of: id) else {
            throw DamagedContent(message: "the details of a cell fail their checksum")
        }
        do throws(JSONError) {
            return try JSONValue.parse(text).arrayValue ?? []
        } catch {
            throw DamagedContent(message: "the details of a cell are \(error)")
        }
    }

    /// `text` behind its checksum.
    ///
    /// - Parameter id: the cell, so that damage cannot move rows to another cell; nil for the checksum of schema 1.
    static func sealed(_ text: [UInt8], of id: Int?) -> [UInt8] {
        let sum = CRC32C.checksum(text + (id.map { Array(" \($0)".utf8) } ?? []))
        return [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: sum >> $0) } + text
    }

    /// The text that ``sealed(_:of:)`` was given; `nil` for anything else.
    static func unsealed(_ bytes: [UInt8], of id: Int?) -> [UInt8]? {
        let text = Array(bytes.dropFirst(4))
        return sealed(text, of: id) == bytes ? text : nil
    }
}
