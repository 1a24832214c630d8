/// A model stage of an RMA query (docs/DATA.md 1), parsed.
struct RMAQuery: Equatable {
    var model: String
    /// Conditions on rows of the model itself.
    var filters: [RMAFilter] = []
    /// Associations that must exist, with conditions of their own.
    var criteria: [RMAAssociation] = []
    /// Associations to be written into the rows.
    var includes: [RMAAssociation] = []
    var options = RMAOptions()
}

/// `name(sub,sub)[filter]`.
struct RMAAssociation: Equatable {
    var name: String
    var filters: [RMAFilter] = []
    var children: [RMAAssociation] = []

    /// Whether a condition stands anywhere below: such an include drops the rows that do not meet it.
    var isConditional: Bool { !filters.isEmpty || children.contains(where: \.isConditional) }
}

/// `[field$opvalue]`.
struct RMAFilter: Equatable {
    enum Operator: String {
        case equal = "eq"
        case notEqual = "ne"
        case oneOf = "in"
        /// SQL LIKE with `*` for any text.
        case like = "li"
        /// The same without regard to case.
        case ilike = "il"
        case greater = "gt"
        case less = "lt"
    }

    var field: String
    var comparison: Operator
    /// One value, several for `$in`; `nil` is the bare word `null`.
    var values: [String?]
}

struct RMAOptions: Equatable {
    /// Rows returned where the query does not say (docs/DATA.md 1).
    static let defaultPage = 50

    /// `nil` stands for all.
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
