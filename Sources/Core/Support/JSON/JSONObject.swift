/// The members of a JSON object, in order.
///
/// Two objects are equal when they have the same members in the same order.
package struct JSONObject: Hashable, Sendable, ExpressibleByDictionaryLiteral {
    /// The names of the members and the index of each. The rows of a table share one layout, which makes 2333 rows of
    /// 54 columns cheap to parse and to keep.
    private(set) var layout: JSONLayout
    private var values: [JSONValue]

    /// An object without members.
    package init() {
        layout = JSONLayout.empty
        values = []
    }

    /// An object with members in the order of the literal. A repeated key keeps its first place and last value.
    package init(dictionaryLiteral elements: (String, JSONValue)...) {
        self.init()
        for (key, value) in elements { self[key] = value }
    }

    /// An object with one value for each key of `layout`, in the order of the keys.
    init(layout: JSONLayout, values: [JSONValue]) {
        precondition(layout.keys.count == values.count, "one value a key")
        self.layout = layout
        self.values = values
    }

    /// Keys in the order in which they were first set.
    package var keys: [String] { layout.keys }

    /// The number of members.
    package var count: Int { values.count }

    /// The member `key`; setting `nil` removes it.
    package subscript(key: String) -> JSONValue? {
        get { layout.position(of: key).map { values[$0] } }
        set {
            switch (layout.position(of: key), newValue) {
            case (let position?, let value?): values[position] = value
            case (let position?, nil):
                layout = JSONLayout(keys: layout.keys.enumerated().filter { $0.offset != position }.map(\.element))
                values.remove(at: position)
            case (nil, let value?):
                if !isKnownUniquelyReferenced(&layout) { layout = JSONLayout(keys: layout.keys) }
                layout.append(key)
                values.append(value)
            case (nil, nil): break
            }
        }
    }

    /// Key and value pairs in order.
    package var members: [(key: String, value: JSONValue)] { Array(zip(layout.keys, values)) }

    /// The same keys, each with the value that `transform` returns for the present one.
    package func mapValues(_ transform: (JSONValue) -> JSONValue) -> JSONObject {
        JSONObject(layout: layout, values: values.map(transform))
    }

    /// Calls `body` for each member in order, without building a list.
    func forEachMember(_ body: (String, JSONValue) -> Void) {
        for position in values.indices { body(layout.keys[position], values[position]) }
    }

    /// Whether both have the same members in the same order.
    package static func == (left: JSONObject, right: JSONObject) -> Bool {
        (left.layout === right.layout || left.layout.keys == right.layout.keys) && left.values == right.values
    }

    /// Feeds the keys and values to `hasher`.
    package func hash(into hasher: inout Hasher) {
        hasher.combine(layout.keys)
        hasher.combine(values)
    }
}

/// The keys of an object and the index of each.
final class JSONLayout: @unchecked Sendable {
    // Sendable: a JSONObject calls `append` only on a layout that no other object references.
    private(set) var keys: [String]
    private var positions: [String: Int] = [:]

    /// Up to this many keys, a search from the front is as quick as a hash table and needs no memory.
    private static let unindexed = 8

    static let empty = JSONLayout(keys: [])

    /// A layout of distinct keys.
    init(keys: [String]) {
        self.keys = keys
        if keys.count > Self.unindexed { index() }
    }

    func position(of key: String) -> Int? {
        keys.count > Self.unindexed ? positions[key] : keys.firstIndex(of: key)
    }

    /// Adds a key that is not there yet.
    func append(_ key: String) {
        keys.append(key)
        if keys.count > Self.unindexed + 1 {
            positions[key] = keys.count - 1
        } else if keys.count > Self.unindexed {
            index()
        }
    }

    private func index() {
        positions = Dictionary(minimumCapacity: keys.count)
        for (position, key) in keys.enumerated() { positions[key] = position }
    }
}
