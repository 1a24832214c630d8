import Support

/// Evaluates RMA queries over a database and writes the replies as the real service does.
struct RMAEngine {
    let database: any RMADatabase

    struct Result {
        var rows: [JSONValue]
        var total: Int
        var startRow: Int
    }

    func run(_ query: RMAQuery) throws -> Result {
        guard let model = RMAModel(rawValue: query.model) else {
            throw RMAError(status: 404, message: "uninitialized constant \(query.model)")
        }
        // A condition on an association also selects which of its rows are written, because both are one join.
        let joined = query.includes.map { include in Self.merge(include, query.criteria) }
        let table = try candidates(model, query)
        let criteria = query.criteria.filter { association in
            !(association.filters.isEmpty && association.children.isEmpty
                && model.mandatory.contains(association.name))
        }
        let conditions = joined.filter(\.isConditional)
        let options = query.options
        if query.filters.isEmpty && criteria.isEmpty && conditions.isEmpty && options.order.isEmpty {
            // Only the rows of the page are created, however long the table is.
            return try result(table, Array(page(0..<table.count, options)), table.count, joined, options)
        }
        var matches: [Int] = []
        for index in 0..<table.count {
            let row = table.row(index)
            if try meets(row, query.filters), try (criteria + conditions).allSatisfy({ try exists(row, $0) }) {
                matches.append(index)
            }
        }
        sort(&matches, table, options.order)
        return try result(table, Array(page(matches, options)), matches.count, joined, options)
    }

    private func page<Rows: RandomAccessCollection<Int>>(_ rows: Rows, _ options: RMAOptions) -> some Sequence<Int> {
        rows.dropFirst(options.startRow).prefix(options.rowLimit ?? rows.count)
    }

    private func result(
        _ table: RMATable, _ page: [Int], _ total: Int, _ joined: [RMAAssociation], _ options: RMAOptions
    ) throws -> Result {
        let rows = try page.map { try write(table.row($0), joined, options) }
        return Result(rows: rows, total: options.counts ? total : rows.count, startRow: options.startRow)
    }

    /// The rows to examine. An equality on the key, or on the specimen, avoids reading the whole table.
    private func candidates(_ model: RMAModel, _ query: RMAQuery) throws -> RMATable {
        if let ids = Self.wanted(query.filters, field: model.key) {
            return RMATable(try ids.compactMap { try database.row(model, id: $0) })
        }
        var specimens = Self.wanted(query.filters, field: "specimen_id")
        for association in query.criteria where specimens == nil {
            switch association.name {
            case "data_set": specimens = Self.wanted(association.filters, field: "specimen_id")
            case "specimen": specimens = Self.wanted(association.filters, field: "id")
            default: break
            }
        }
        return try database.table(model, specimens: specimens)
    }

    private static func wanted(_ filters: [RMAFilter], field: String) -> [Int]? {
        guard
            let filter = filters.first(where: {
                $0.field == field && ($0.comparison == .equal || $0.comparison == .oneOf)
            })
        else { return nil }
        var ids: [Int] = []
        for id in filter.values.compactMap({ $0.flatMap { Int($0) } }) where !ids.contains(id) { ids.append(id) }
        return ids
    }

    private static func merge(_ include: RMAAssociation, _ criteria: [RMAAssociation]) -> RMAAssociation {
        let twins = criteria.filter { $0.name == include.name }
        guard !twins.isEmpty else { return include }
        var result = include
        result.filters += twins.flatMap(\.filters)
        let below = twins.flatMap(\.children)
        result.children = result.children.map { merge($0, below) }
        return result
    }

    private func meets(_ row: RMARow, _ filters: [RMAFilter]) throws -> Bool {
        for filter in filters {
            guard let value = row.fields[filter.field] else {
                throw RMAError(status: 400, message: "\(row.model.rawValue) has no field '\(filter.field)'")
            }
            guard filter.accepts(value) else { return false }
        }
        return true
    }

    private func exists(_ row: RMARow, _ association: RMAAssociation) throws -> Bool {
        try !matching(row, association).rows.isEmpty
    }

    /// The related rows that satisfy the conditions of the association and of those below it.
    private func matching(_ row: RMARow, _ association: RMAAssociation) throws -> RMARelation {
        guard let relation = try database.related(row, association.name) else {
            throw RMAError(status: 400, message: "\(row.model.rawValue) has no association '\(association.name)'")
        }
        let rows = try relation.rows.filter { related in
            try meets(related, association.filters)
                && association.children.allSatisfy { try !$0.isConditional || exists(related, $0) }
        }
        if case .many = relation { return .many(rows) }
        return .one(rows.first)
    }

    private func write(_ row: RMARow, _ includes: [RMAAssociation], _ options: RMAOptions) throws -> JSONValue {
        var members: [String: JSONValue] = [:]
        for (key, value) in row.fields.members where !options.except.contains(key) {
            if let only = options.only, !only.contains(key) { continue }
            members[key] = value
        }
        for include in includes {
            let below = options.below(include.name)
            switch try matching(row, include) {
            case .one(let related):
                members[include.name] = try related.map { try write($0, include.children, below) } ?? .null
            case .many(let related):
                members[include.name] = .array(try related.map { try write($0, include.children, below) })
            }
        }
        var object = JSONObject()
        for key in members.keys.sorted() { object[key] = members[key] }
        return .object(object)
    }

    private func sort(_ indices: inout [Int], _ table: RMATable, _ order: [(field: String, descending: Bool)]) {
        guard !order.isEmpty else { return }
        var keys: [Int: [JSONValue?]] = [:]
        for index in indices { keys[index] = order.map { table.row(index).fields[$0.field] } }
        indices.sort { left, right in
            for (column, entry) in order.enumerated() {
                switch JSONOrder.compare(keys[left]?[column], keys[right]?[column]) {
                case 0: continue
                case let sign: return (sign < 0) != entry.descending
                }
            }
            return left < right
        }
    }
}

extension RMAOptions {
    /// The part of `only` and `except` that concerns an association, such as `products.name`.
    fileprivate func below(_ association: String) -> RMAOptions {
        let prefix = association + "."
        var options = RMAOptions()
        let inside = only?.filter { $0.hasPrefix(prefix) }.map { String($0.dropFirst(prefix.count)) }
        if let inside, !inside.isEmpty { options.only = inside }
        options.except = except.filter { $0.hasPrefix(prefix) }.map { String($0.dropFirst(prefix.count)) }
        return options
    }
}
