import Support
import Testing

/// Cases like those of "Parsing JSON is a Minefield" (N. Seriot): the demands of RFC 8259, and what it leaves open.
@Suite struct JSONParserTests {
    @Test func linesComeWithTheirPlaces() throws {
        let text = Array("{\"a\":1,\"b\":[2]}\n{\"a\":3,\"b\":4}\n{\"b\":5}\n6\n".utf8)
        var lines: [JSONValue] = []
        var places: [Range<Int>] = []
        try JSONValue.parseLines(text) { value, range in
            lines.append(value)
            places.append(range)
        }
        for (line, place) in zip(lines, places) { #expect(try JSONValue.parse(Array(text[place])) == line) }
        #expect(lines.map { $0["b"] } == [.array([.int(2)]), .int(4), .int(5), nil])
        #expect(lines.last == .int(6))
        try JSONValue.parseLines([]) { _, _ in Issue.record("there is no line") }
        for bad in ["1", "1\n\n", "1 2\n", "1,\n", "{\n", "1\n2"] {
            #expect(throws: JSONError.self, "\(bad)") { try JSONValue.parseLines(Array(bad.utf8)) { _, _ in } }
        }
    }

    @Test(arguments: [
        "[]", "{}", " [ ] ", "\t\n\r {\"a\" : 1 } \n", "null", "true", "false", "0", "-0", "1", "-1", "10", "1.5",
        "1e5", "1E5", "1e+5", "1e-5", "1.5e10", "0.0", "0e0", "-0.0e-0", "123456789012345678901234567890", "1e999",
        "\"\"", "\"a\"", "\"\\u0041\"", "\"\\ud834\\udd1e\"", "\"\\uD834\\uDD1E\"", "\"\\u0000\"", "\"\u{7F}\"",
        "\"\u{2028}\"", "\"\u{FFFE}\"", "\"\u{1F600}\"", "[[[]]]", "[1,2,3]", "[null, 1, \"1\", {}]",
        "{\"\":0}", "{\"a\":{\"a\":[{\"a\":1}]}}", "{\"a\":1,\"a\":2}", "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"",
    ])
    func textsThatRFC8259AllowsAreAccepted(_ text: String) throws { _ = try JSONValue.parse(text) }

    @Test(arguments: [
        "", " ", "[", "]", "{", "}", "[1,]", "[,1]", "[1 2]", "[1,,2]", "{\"a\"}", "{\"a\":}", "{\"a\":1,}", "{,}",
        "{a:1}", "{'a':1}", "{1:1}", "{\"a\" 1}", "{\"a\":1 \"b\":2}", "{\"a\":1]", "[1}", "[]]", "[] x", "1 2",
        "01",
        "-01", "[-]", "-", "+1", ".5", "1.", "1.e5", "1e", "1e+", "0x1", "1_000", "Infinity", "NaN", "-Infinity",
        "nan",
        "nul", "nulll", "True", "tru", "fals", "\"", "\"a", "\"\\\"", "\"\\x41\"", "\"\\u12\"", "\"\\u12G4\"",
        "\"\\ud834\"", "\"\\udd1e\"", "\"\\ud834\\u0041\"", "\"\\ud834x\"", "\"\\ud834\\\"", "\"\u{1}\"", "\"\n\"",
        "\"\t\"", "[\"a\",\n4", "{\"a\":[}", "'a'", "/* */ 1", "1 // x", "\u{FEFF}1", "\u{A0}1", "{\"a\":1}{",
        "[\u{C}]",
    ])
    func textsThatAreNotJSONAreRefused(_ text: String) {
        #expect(throws: JSONError.self) { try JSONValue.parse(text) }
    }

    @Test(
        arguments: [
            [0xFF], [0xC0, 0x80], [0xED, 0xA0, 0x80], [0xE2, 0x82], [0xF4, 0x90, 0x80, 0x80], [0x80], [0xF8, 0x88],
        ] as [[UInt8]])
    func bytesThatAreNotUTF8AreRefused(_ bytes: [UInt8]) {
        #expect(throws: JSONError.self) { try JSONValue.parse([0x22] + bytes + [0x22]) }
        #expect(throws: JSONError.self) { try JSONValue.parse([0x22] + Array("\\n".utf8) + bytes + [0x22]) }
    }

    @Test func namesTheByteOfTheFault() {
        let inside = #expect(throws: JSONError.self) { try JSONValue.parse("{\"a\": ?}") }
        #expect(inside?.description == "not JSON at byte 6: a value was expected")
        let after = #expect(throws: JSONError.self) { try JSONValue.parse("[] x") }
        #expect(after?.description == "not JSON at byte 3: text after the value")
    }

    @Test func resolvesEscapes() throws {
        let text = #""\u0041\u00e9\u20AC\ud83d\ude00\"\\\/\b\f\n\r\t\u0000""#
        let expected = "A\u{E9}\u{20AC}\u{1F600}\"\\/\u{8}\u{C}\n\r\t\0"
        #expect(try JSONValue.parse(text) == .string(expected))
    }

    @Test func keepsTheSpellingOfNumbers() throws {
        let spellings = ["90.0", "-0", "1E+5", "1.50", "0.1000", "123456789012345678901234567890", "5e-324"]
        let value = try JSONValue.parse("[\(spellings.joined(separator: ","))]")
        #expect(value == .array(spellings.map { .number($0) }))
    }

    @Test func boundsTheDepth() throws {
        let limit = JSONValue.maximumDepth
        func nested(_ depth: Int) -> String {
            String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
        }
        _ = try JSONValue.parse(nested(limit))
        #expect(throws: JSONError.self) { try JSONValue.parse(nested(limit + 1)) }
        #expect(throws: JSONError.self) { try JSONValue.parse(nested(1_000_000)) }
        let objects = String(repeating: "{\"a\":", count: 100_000)
        #expect(throws: JSONError.self) { try JSONValue.parse(objects) }
        let wide = "[" + Array(repeating: nested(limit - 1), count: 300).joined(separator: ",") + "]"
        #expect(try JSONValue.parse(wide).arrayValue?.count == 300)
    }

    @Test func everyPrefixOfATextIsRefused() {
        let text = Array(#"{"a": [1.5e3, true, null, "x\u00e9\n"], "b": {"c": false}}"#.utf8)
        for length in 0..<text.count {
            #expect(throws: JSONError.self) { try JSONValue.parse(Array(text[..<length])) }
        }
    }

    // MARK: - Objects that resemble the one before

    @Test func rowsThatDifferKeepTheirOwnKeys() throws {
        let rows = [
            #"{"a":1,"b":2,"c":3}"#, #"{"a":1,"b":2,"c":3}"#, #"{"a":1,"b":2}"#, #"{"a":1,"b":2,"c":3,"d":4}"#,
            #"{"b":2,"a":1,"c":3}"#, #"{"a":1,"x":2,"c":3}"#, #"{}"#, #"{"c":3}"#, #"{"a":{"a":1,"b":2},"b":2,"c":3}"#,
            #"{"ab":1}"#, #"{"a":1,"b":2,"c":3}"#,
        ]
        let parsed = try #require(try JSONValue.parse("[\(rows.joined(separator: " , "))]").arrayValue)
        for (row, value) in zip(rows, parsed) {
            #expect(value.text() == row)
            #expect(value == (try JSONValue.parse(row)))
        }
    }

    @Test func aRepeatedKeyKeepsItsFirstPlaceAndLastValue() throws {
        let text = #"[{"a":1,"b":2,"a":3},{"a":1,"b":2,"a":3},{"a":4,"b":5},{"a":1,"b":2,"a":{"a":9}}]"#
        #expect(try JSONValue.parse(text).text() == #"[{"a":3,"b":2},{"a":3,"b":2},{"a":4,"b":5},{"a":{"a":9},"b":2}]"#)
    }

    @Test func aKeyMayBeSpeltWithEscapes() throws {
        let text = #"[{"a\n":1,"\u0062":2},{"a\n":3,"\u0062":4},{"a\n":5,"b":6}]"#
        let rows = try #require(try JSONValue.parse(text).arrayValue)
        #expect(rows.map { $0["b"]?.intValue } == [2, 4, 6])
        #expect(rows.map { $0["a\n"]?.intValue } == [1, 3, 5])
    }

    @Test func whiteSpaceMayStandAnywhere() throws {
        let text = "\n[ { \"a\" : 1 , \"b\" : [ ] } ,\t{ \"a\"\r: 2,\"b\":{ } } ]\n"
        #expect(try JSONValue.parse(text).text() == #"[{"a":1,"b":[]},{"a":2,"b":{}}]"#)
    }
}
