import Support

/// A row of a model: its own fields, and the model, from which its associations follow.
struct RMARow: Sendable {
    var model: RMAModel
    var fields: JSONObject

    func number(_ field: String) -> Int? { fields[field]?.intValue }
}

/// What an association leads to.
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

/// The models that are served, by the names of the data model of the Allen API.
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

    /// Associations that no row lacks: asking for them alone selects nothing.
    var mandatory: Set<String> {
        switch self {
        case .subImage: ["data_set"]
        case .ephysResult, .ephysFeature, .ephysSweep, .neuronReconstruction, .dataSet, .projectionImage: ["specimen"]
        case .wellKnownFile: ["well_known_file_type"]
        case .specimenDetail, .specimen, .wellKnownFileType: []
        }
    }
}

/// Rows of a model, made when asked for: the planes of all stacks together are hundreds of thousands of rows.
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

/// Where the engine finds rows.
protocol RMADatabase: Sendable {
    /// All rows of a model, or those that can match where the cells concerned are known (`nil`: not known).
    func table(_ model: RMAModel, specimens: [Int]?) throws -> RMATable
    /// The row with an id, where there is a quick way to it.
    func row(_ model: RMAModel, id: Int) throws -> RMARow?
    /// What an association of a row leads to; `nil` where the model has no such association.
    func related(_ row: RMARow, _ association: String) throws -> RMARelation?
}
