import Support
import Testing

@Suite struct JSONWriterTests {
    private let value = JSONValue.array([
        .object([:]), .array([]),
        .object([
            "a": .array([.int(1), .number("1.5"), .string("\u{E9}\u{2028}\u{7F}/\u{1F600}")]), "b": .object([:]),
            "c": .array([]), "d": .null, "e": .bool(true),
        ]),
    ])

    /// Expected texts: what CPython's `json.dumps` prints for the same value.
    @Test func indentedIsWhatPythonPrints() {
        let expected = #"""
            [
              {},
              [],
              {
                "a": [
                  1,
                  1.5,
                  "\u00e9\u2028\u007f/\ud83d\ude00"
                ],
                "b": {},
                "c": [],
                "d": null,
                "e": true
              }
            ]
            """#
        #expect(value.text(.indented) == expected)
    }

    @Test func compact() {
        let text = #""\u00e9\u2028\u007f/\ud83d\ude00""#
        #expect(value.text() == #"[{},[],{"a":[1,1.5,\#(text)],"b":{},"c":[],"d":null,"e":true}]"#)
    }

    @Test func appendsToWhatIsThere() {
        var bytes = Array("x=".utf8)
        value["none"].map { $0.append(to: &bytes) }
        JSONValue.object(["a": .int(1)]).append(to: &bytes)
        JSONValue.int(2).append(to: &bytes)
        #expect(String(decoding: bytes, as: UTF8.self) == #"x={"a":1}2"#)
    }

    @Test func controlCharactersAreEscaped() {
        #expect(JSONValue.string("\0\u{8}\t\n\u{B}\u{C}\r\u{1F}\"\\").text() == #""\u0000\b\t\n\u000b\f\r\u001f\"\\""#)
    }
}
