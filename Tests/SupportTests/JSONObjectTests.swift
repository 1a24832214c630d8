import Support
import TestTools
import Testing

@Suite struct JSONObjectTests {
    @Test func keepsTheOrderInWhichKeysWereSet() {
        var object: JSONObject = ["b": .int(1), "a": .int(2)]
        object["c"] = .null
        object["b"] = .int(3)
        #expect(object.keys == ["b", "a", "c"])
        #expect(object.members.map(\.value) == [.int(3), .int(2), .null])
        object["b"] = nil
        #expect(object.keys == ["a", "c"])
        object["b"] = .int(4)
        #expect(object.keys == ["a", "c", "b"])
        object["none"] = nil
        #expect(object.count == 3)
    }

    /// Compares with a plain list of pairs, through random changes, below and above the number of keys that are
    /// indexed.
    @Test func agreesWithAListOfPairs() {
        var generator = Seeded(3)
        for _ in 0..<60 {
            var object = JSONObject()
            var pairs: [(String, JSONValue)] = []
            for step in 0..<120 {
                let key = "k\(Int.random(in: 0..<20, using: &generator))"
                let place = pairs.firstIndex { $0.0 == key }
                if Int.random(in: 0..<3, using: &generator) == 0 {
                    object[key] = nil
                    if let place { pairs.remove(at: place) }
                } else {
                    object[key] = .int(step)
                    if let place { pairs[place].1 = .int(step) } else { pairs.append((key, .int(step))) }
                }
                #expect(object.keys == pairs.map(\.0))
                #expect(object.members.map(\.value) == pairs.map(\.1))
                let probe = "k\(Int.random(in: 0..<20, using: &generator))"
                #expect(object[probe] == pairs.first { $0.0 == probe }?.1)
            }
        }
    }

    @Test func aCopyDoesNotChangeWithTheOriginal() throws {
        let rows = try #require(try JSONValue.parse(#"[{"a":1,"b":2},{"a":3,"b":4}]"#).arrayValue)
        var first = try #require(rows[0].objectValue)
        let copy = first
        first["c"] = .int(5)
        first["a"] = nil
        #expect(first.keys == ["b", "c"])
        #expect(copy.keys == ["a", "b"])
        #expect(rows[1].text() == #"{"a":3,"b":4}"#)
    }

    @Test func equalityCountsOrder() {
        let left: JSONObject = ["a": .int(1), "b": .int(2)]
        let right: JSONObject = ["b": .int(2), "a": .int(1)]
        #expect(left != right)
        #expect(Set([left, left, right]).count == 2)
    }

    @Test func mapsValuesInPlace() {
        let object: JSONObject = ["a": .int(1), "b": .null]
        #expect(object.mapValues { $0 == .null ? .int(0) : $0 } == ["a": .int(1), "b": .int(0)])
    }

    @Test func readsNumbersAlsoFromStrings() {
        #expect(JSONValue.string("42").intValue == 42)
        #expect(JSONValue.number("42.0").intValue == 42)
        #expect(JSONValue.number("42.5").intValue == nil)
        #expect(JSONValue.number("1e999").intValue == nil)
        #expect(JSONValue.number("1e999").doubleValue == nil)
        #expect(JSONValue.string("nan").doubleValue == nil)
        #expect(JSONValue.string("").intValue == nil)
        #expect(JSONValue.number("9223372036854775808").intValue == nil)
        #expect(JSONValue.bool(true).intValue == nil)
        #expect(JSONValue.double(.infinity) == .null)
        #expect(JSONValue.double(0.5) == .number("0.5"))
    }
}
