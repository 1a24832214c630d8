import Support

/// A row of a model: its own fields, and the model, which determines its associations.
struct RMARow: Sendable {
    var model: RMAModel
    var fields: JSONObject

    func number(_ field: String) -> Int? { fields[field]?.intValue }
}

/// The rows at the other end of an association.
enum RMARelation {
    /// `belongs_to` or `has_one`: an object, or null.
    case one(RMARow?)
    /// `has_many`: an array.
    case many([RMARow])

    var rows: [RMARow] {
        switch self {
        case .one(let row): row.map { [$0] } ?? []
        case .many(let rows): rows
        }
    }
}

/// The models that are served, with the names of the data model of the Allen API.
enum RMAModel: String, CaseIterable, Sendable {
    case specimenDetail = "ApiCellTypesSpecimenDetail"
    case specimen = "Specimen"
    case ephysResult = "EphysResult"
    case ephysFeature = "EphysFeature"
    case ephysSweep = "EphysSweep"
    case neuronReconstruction = "NeuronReconstruction"
    case wellKnownFile = "WellKnownFile"
    case wellKnownFileType = "WellKnownFileType"
    case dataSet = "DataSet"
    case subImage = "SubImage"
    case projectionImage = "ProjectionImage"

    /// The field that identifies a row.
    var key: String { self == .specimenDetail ? "specimen__id" : "id" }

    /// Associations that every row has: a query for them alone selects no rows.
    var mandatory: Set<String> {
        switch self {
        case .subImage: ["data_set"]
        case .ephysResult, .ephysFeature, .ephysSweep, .neuronReconstruction, .dataSet, .projectionImage: ["specimen"]
        case .wellKnownFile: ["well_known_file_type"]
        case .specimenDetail, .specimen, .wellKnownFileType: []
        }
    }
}

/// Rows of a model, created when they are read: all stacks together have hundreds of thousands of planes.
struct RMATable {
    /// Number of rows.
    var count: Int
    /// The row at an index below `count`.
    var row: (Int) -> RMARow

    init(count: Int, row: @escaping (Int) -> RMARow) {
        self.count = count
        self.row = row
    }

    init(_ rows: [RMARow]) { self.init(count: rows.count) { rows[$0] } }
}

/// The database in which the engine finds rows.
protocol RMADatabase: Sendable {
    /// All rows of a model, or only those that can match when the cells are known (`nil`: not known).
    func table(_ model: RMAModel, specimens: [Int]?) throws -> RMATable
    /// The row with an id, when it can be found quickly.
    func row(_ model: RMAModel, id: Int) throws -> RMARow?
    /// The rows at the other end of an association of a row; `nil` when the model has no such association.
    func related(_ row: RMARow, _ association: String) throws -> RMARelation?
}
