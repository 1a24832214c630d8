/// A recursive-descent parser for the text of an RMA query.
struct RMAParser {
    private let text: [UInt8]
    private var position = 0

    private init(_ text: String) { self.text = Array(text.utf8) }

    /// Parses a whole query: `model::X,rma::criteria,..,rma::include,..,rma::options[..]`.
    /// - Parameter model: The model in the path, for queries that name none.
    static func query(_ text: String, model: String? = nil) throws(RMAError) -> RMAQuery {
        var parser = RMAParser(text)
        return try parser.parseQuery(model: model)
    }

    /// Parses the value of the parameter `include` in the older form.
    static func associations(_ text: String) throws(RMAError) -> [RMAAssociation] {
        var parser = RMAParser(text)
        var result: [RMAAssociation] = []
        while parser.byte != nil {
            result.append(try parser.parseAssociation(depth: 0))
            guard parser.byte == nil || parser.accept(",") else { throw parser.unexpected() }
        }
        return result
    }

    private enum Stage { case criteria, include, none }

    private mutating func parseQuery(model pathModel: String?) throws(RMAError) -> RMAQuery {
        var query = RMAQuery(model: pathModel ?? "")
        // When the path names the model, the query may begin with criteria.
        var stage = pathModel == nil ? Stage.none : .criteria
        while byte != nil {
            if accept("model::") {
                query.model = try parseName()
                query.filters += try parseFilters()
                stage = .none
            } else if accept("rma::criteria") {
                query.filters += try parseFilters()
                stage = .criteria
            } else if accept("rma::include") {
                stage = .include
            } else if accept("rma::options") {
                try parseOptions(&query.options)
                stage = .none
            } else if accept("pipe::") || accept("service::") {
                throw .syntax("pipes and connected services are not served here")
            } else {
                switch stage {
                case .criteria where byte == UInt8(ascii: "["): query.filters += try parseFilters()
                case .criteria: query.criteria.append(try parseAssociation(depth: 0))
                case .include: query.includes.append(try parseAssociation(depth: 0))
                case .none: throw unexpected()
                }
            }
            guard byte == nil || accept(",") else { throw unexpected() }
        }
        guard !query.model.isEmpty else { throw .syntax("the query names no model") }
        return query
    }

    /// The deepest nesting that is accepted, so that a hostile query cannot exhaust the stack.
    private static let maximumDepth = 16

    private mutating func parseAssociation(depth: Int) throws(RMAError) -> RMAAssociation {
        guard depth < Self.maximumDepth else { throw .syntax("associations nested too deep") }
        var association = RMAAssociation(name: try parseName())
        while true {
            if byte == UInt8(ascii: "[") {
                association.filters += try parseFilters()
            } else if accept("(") {
                while !accept(")") {
                    association.children.append(try parseAssociation(depth: depth + 1))
                    guard byte == UInt8(ascii: ")") || accept(",") else { throw unexpected() }
                }
            } else {
                return association
            }
        }
    }

    private mutating func parseFilters() throws(RMAError) -> [RMAFilter] {
        var filters: [RMAFilter] = []
        for bracket in try parseBrackets() {
            if let comparison = bracket.comparison {
                filters.append(RMAFilter(field: bracket.field, comparison: comparison, values: bracket.values))
            }
        }
        return filters
    }

    private mutating func parseOptions(_ options: inout RMAOptions) throws(RMAError) {
        for bracket in try parseBrackets() where bracket.comparison != nil {
            try Self.set(&options, bracket.field, bracket.values.compactMap { $0 })
        }
    }

    /// Sets one option. `values` are the texts after the operator, split at commas.
    static func set(_ options: inout RMAOptions, _ name: String, _ values: [String]) throws(RMAError) {
        let items = values.flatMap { $0.split(separator: ",").map { trimmed($0) } }
        let first = items.first ?? ""
        switch name {
        case "num_rows":
            if first == "all" {
                options.rowLimit = nil
            } else {
                guard let limit = Int(first), limit >= 0 else { throw .syntax("num_rows is no number: '\(first)'") }
                options.rowLimit = limit
            }
        case "start_row":
            guard let start = Int(first), start >= 0 else { throw .syntax("start_row is no number: '\(first)'") }
            options.startRow = start
        case "order":
            options.order = items.map { item in
                let words = item.split(separator: " ")
                return (lastComponent(words.first ?? ""), words.dropFirst().first?.lowercased() == "desc")
            }
        case "only": options.only = items
        case "except": options.except = items
        case "count": options.counts = first != "false"
        case "debug": break
        case "tabular": throw .syntax("tabular replies are not served here")
        default: throw .syntax("unknown option '\(name)'")
        }
    }

    private struct Bracket {
        var field: String
        /// `nil` for a bracket without operator, such as `[specimen_id]`, which is left when a shell or an HTTP layer
        /// has removed `$eq...`. The real service ignores such a bracket and returns more rows.
        var comparison: RMAFilter.Operator?
        var values: [String?]
    }

    private mutating func parseBrackets() throws(RMAError) -> [Bracket] {
        var brackets: [Bracket] = []
        while accept("[") {
            let field = Self.lastComponent(Substring(try parseName()))
            guard accept("$") else {
                while let next = byte, next != UInt8(ascii: "]") { position += 1 }
                guard accept("]") else { throw unexpected() }
                brackets.append(Bracket(field: field, comparison: nil, values: []))
                continue
            }
            guard position + 2 <= text.count,
                let comparison = RMAFilter.Operator(
                    rawValue: String(decoding: text[position..<position + 2], as: UTF8.self))
            else { throw .syntax("unknown operator on '\(field)'") }
            position += 2
            var values = [try parseValue()]
            while accept(",") { values.append(try parseValue()) }
            guard accept("]") else { throw unexpected() }
            brackets.append(Bracket(field: field, comparison: comparison, values: values))
        }
        return brackets
    }

    private mutating func parseValue() throws(RMAError) -> String? {
        skipSpace()
        if accept("'") {
            var bytes: [UInt8] = []
            while true {
                guard let next = byte else { throw .syntax("a quoted value does not end") }
                position += 1
                if next == UInt8(ascii: "'") {
                    guard byte == UInt8(ascii: "'") else { break }
                    position += 1
                }
                bytes.append(next)
            }
            skipSpace()
            return String(decoding: bytes, as: UTF8.self)
        }
        let start = position
        while let next = byte, next != UInt8(ascii: ","), next != UInt8(ascii: "]") { position += 1 }
        let value = Self.trimmed(Substring(String(decoding: text[start..<position], as: UTF8.self)))
        return value == "null" ? nil : value
    }

    private mutating func parseName() throws(RMAError) -> String {
        skipSpace()
        let start = position
        while let next = byte, Self.isNamePart(next) { position += 1 }
        guard position > start else { throw unexpected() }
        defer { skipSpace() }
        return String(decoding: text[start..<position], as: UTF8.self)
    }

    private static func isNamePart(_ byte: UInt8) -> Bool {
        byte == UInt8(ascii: "_") || byte == UInt8(ascii: ".")
            || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
            || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
    }

    private var byte: UInt8? { position < text.count ? text[position] : nil }

    private mutating func skipSpace() {
        while byte == UInt8(ascii: " ") { position += 1 }
    }

    private mutating func accept(_ word: String) -> Bool {
        let saved = position
        skipSpace()
        guard text[position...].starts(with: word.utf8) else {
            position = saved
            return false
        }
        position += word.utf8.count
        return true
    }

    private func unexpected() -> RMAError {
        let rest = String(decoding: text[min(position, text.count)...].prefix(20), as: UTF8.self)
        return .syntax(rest.isEmpty ? "the query ends too early" : "unexpected '\(rest)' at byte \(position)")
    }

    private static func trimmed(_ text: Substring) -> String {
        var text = text
        while text.first == " " || text.first == "'" { text.removeFirst() }
        while text.last == " " || text.last == "'" { text.removeLast() }
        return String(text)
    }

    /// `specimens.id` means `id`: the table name before the dot is that of the association with the brackets.
    private static func lastComponent(_ name: Substring) -> String {
        name.split(separator: ".").last.map(String.init) ?? String(name)
    }
}
