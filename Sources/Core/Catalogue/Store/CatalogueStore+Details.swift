internal import GRDB
public import Support

extension CatalogueStore {
    /// What is kept about the images and files of the cell `id`; `nil` where nothing has been saved.
    public func details(of id: Int) throws(CatalogueError) -> SpecimenDetails? {
        try gate.run("reading the details of \(id)") { pool in
            let sql = "SELECT fetched_at, sub_images, projections, reconstructions FROM details WHERE specimen = ?"
            let row = try pool.read { try Row.fetchOne($0, sql: sql, arguments: [id]) }
            guard let row else { return nil }
            return try DetailsText.details(
                of: id, at: row.double(0) ?? 0, subImages: row.bytes(1), projections: row.bytes(2),
                reconstructions: row.bytes(3))
        }
    }

    /// Keeps the rows of the three queries about the cell `id`. A part that is `nil` stays as it was, so that one
    /// failed query does not hold up the others; an empty part means that there is nothing.
    ///
    /// - Parameters:
    ///   - subImages: all rows of ``RMA/subImagesURL(base:specimenID:startRow:)``.
    ///   - projections: all rows of ``RMA/projectionsURL(base:specimenID:)``.
    ///   - reconstructions: all rows of ``RMA/reconstructionsURL(base:specimenID:)``.
    ///   - time: wall clock, seconds since 1970.
    public func saveDetails(
        subImages: [JSONObject]? = nil, projections: [JSONObject]? = nil, reconstructions: [JSONObject]? = nil,
        of id: Int, at time: Double
    ) throws(CatalogueError) {
        let parts = [
            subImages.map(DetailsText.planes), projections.map(DetailsText.objects),
            reconstructions.map(DetailsText.objects),
        ]
        let sql = """
            INSERT INTO details VALUES (?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET
                fetched_at = excluded.fetched_at,
                sub_images = coalesce(excluded.sub_images, sub_images),
                projections = coalesce(excluded.projections, projections),
                reconstructions = coalesce(excluded.reconstructions, reconstructions)
            """
        try gate.run("keeping the details of \(id)") { pool in
            try pool.write { database in
                try database.execute(
                    sql: sql, arguments: [id, time] + StatementArguments(parts.map { $0.map(blob) }))
            }
        }
    }

    /// Forgets the details of the cell `id`, so that they are asked for again.
    public func removeDetails(of id: Int) throws(CatalogueError) {
        try gate.run("forgetting the details of \(id)") { pool in
            try pool.write { try $0.execute(sql: "DELETE FROM details WHERE specimen = ?", arguments: [id]) }
        }
    }
}

/// How the rows of a cell are kept: JSON behind its CRC-32C.
enum DetailsText {
    /// Only the fields that are used, as a list of lists in the order of ``PlaneRow/fields``: 627 rows take 80 kB
    /// instead of 340 kB.
    static func planes(_ rows: [JSONObject]) -> [UInt8] {
        let list = rows.map { row in JSONValue.array(PlaneRow.fields.map { row[$0] ?? .null }) }
        return sealed(JSONValue.array(list).bytes())
    }

    /// The rows as they arrived.
    static func objects(_ rows: [JSONObject]) -> [UInt8] { sealed(JSONValue.array(rows.map { .object($0) }).bytes()) }

    static func details(
        of id: Int, at time: Double, subImages: [UInt8]?, projections: [UInt8]?, reconstructions: [UInt8]?
    ) throws -> SpecimenDetails {
        var issues = IssueList()
        var parts: Set<SpecimenDetails.Part> = []
        if subImages != nil { parts.insert(.subImages) }
        if projections != nil { parts.insert(.projections) }
        if reconstructions != nil { parts.insert(.reconstructions) }
        let rows = try planeRows(subImages, issues: &issues)
        let stack = ImageStack(rows: rows, issues: &issues)
        let views = Projection.all(rows: try unsealed(projections).compactMap(\.objectValue), issues: &issues)
        let owners = try unsealed(reconstructions).compactMap(\.objectValue)
        let files = WellKnownFile.all(reconstructions: owners, issues: &issues)
        return SpecimenDetails(
            specimenID: id, parts: parts, stack: stack, projections: views, files: files, fetchedAt: time,
            issues: issues.issues)
    }

    private static func planeRows(_ bytes: [UInt8]?, issues: inout IssueList) throws -> [PlaneRow] {
        let places = Dictionary(uniqueKeysWithValues: PlaneRow.fields.enumerated().map { ($1, $0) })
        var rows: [PlaneRow] = []
        for value in try unsealed(bytes) {
            let values = value.arrayValue ?? []
            let row = PlaneRow { field in places[field].flatMap { $0 < values.count ? values[$0] : nil } }
            if let row { rows.append(row) } else { issues.add(.unusableImage, values.first?.text() ?? "no id") }
        }
        return rows
    }

    private static func sealed(_ text: [UInt8]) -> [UInt8] {
        let sum = CRC32C.checksum(text)
        return [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: sum >> $0) } + text
    }

    private static func unsealed(_ bytes: [UInt8]?) throws -> [JSONValue] {
        guard let bytes else { return [] }
        let text = Array(bytes.dropFirst(4))
        let sum = bytes.prefix(4).reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
        guard bytes.count > 4, sum == CRC32C.checksum(text), let list = try JSONValue.parse(text).arrayValue else {
            throw DamagedContent(message: "the details of a cell fail their checksum")
        }
        return list
    }
}
