/// A model stage of an RMA query (docs/DATA.md 1), parsed.
struct RMAQuery: Equatable {
    var model: String
    /// Conditions on rows of the model itself.
    var filters: [RMAFilter] = []
    /// Associations that must exist, with their own conditions.
    var criteria: [RMAAssociation] = []
    /// Associations that are written into the rows.
    var includes: [RMAAssociation] = []
    var options = RMAOptions()
}

/// `name(sub,sub)[filter]`.
struct RMAAssociation: Equatable {
    var name: String
    var filters: [RMAFilter] = []
    var children: [RMAAssociation] = []

    /// Whether there is a condition at any level below. Such an include drops the rows that do not satisfy it.
    var isConditional: Bool { !filters.isEmpty || children.contains(where: \.isConditional) }
}

/// `[field$opvalue]`.
struct RMAFilter: Equatable {
    enum Operator: String {
        case equal = "eq"
        case notEqual = "ne"
        case oneOf = "in"
        /// SQL LIKE, with `*` for any text.
        case like = "li"
        /// SQL LIKE that ignores case.
        case ilike = "il"
        case greater = "gt"
        case less = "lt"
    }

    var field: String
    var comparison: Operator
    /// One value, or several for `$in`. `nil` is the bare word `null`.
    var values: [String?]
}

struct RMAOptions: Equatable {
    /// The number of rows in a reply when the query names none (docs/DATA.md 1).
    static let defaultPage = 50

    /// `nil` means all rows.
    var rowLimit: Int? = defaultPage
    var startRow = 0
    var order: [(field: String, descending: Bool)] = []
    var only: [String]?
    var except: [String] = []
    var counts = true

    static func == (left: RMAOptions, right: RMAOptions) -> Bool {
        left.rowLimit == right.rowLimit && left.startRow == right.startRow && left.only == right.only
            && left.except == right.except && left.counts == right.counts
            && left.order.map(\.field) == right.order.map(\.field)
            && left.order.map(\.descending) == right.order.map(\.descending)
    }
}

/// A query that is answered with `success: false`.
struct RMAError: Error, Equatable {
    var status: Int
    var message: String

    static func syntax(_ message: String) -> RMAError { RMAError(status: 400, message: message) }
}
