import Support
import TestTools
import Testing

@Suite struct JSONMutationTests {
    /// A value of random shape. Its keys come from a small set, so that objects often resemble each other.
    private func random(_ generator: inout Seeded, depth: Int = 0) -> JSONValue {
        let texts = ["", "a", "\u{E9}", "\u{1F600}", "\"\\/", "\n\u{1}\u{7F}", "a b", "2/3", "\u{2028}"]
        let numbers = ["0", "-1", "1.50", "1E-7", "123456789012345678901234567890"]
        switch Int.random(in: 0..<(depth > 4 ? 5 : 8), using: &generator) {
        case 0: return .null
        case 1: return .bool(Bool.random(using: &generator))
        case 2, 3: return .number(numbers[Int.random(in: 0..<numbers.count, using: &generator)])
        case 4: return .string(texts[Int.random(in: 0..<texts.count, using: &generator)])
        case 5:
            let count = Int.random(in: 0..<6, using: &generator)
            return .array((0..<count).map { _ in random(&generator, depth: depth + 1) })
        default:
            var object = JSONObject()
            for key in ["id", "name", "x\"", "\u{E9}", "e", "f", "g", "h", "i", "j", "k"]
            where Int.random(in: 0..<4, using: &generator) > 0 {
                object[key] = random(&generator, depth: depth + 1)
            }
            return .object(object)
        }
    }

    @Test func everyValueSurvivesEveryStyle() throws {
        var generator = Seeded(1)
        for _ in 0..<150 {
            let value = random(&generator)
            for style in [JSONValue.Style.compact, .indented] {
                let text = value.text(style)
                #expect(text.utf8.allSatisfy { $0 < 0x7F })
                let again = try JSONValue.parse(text)
                #expect(again == value)
                #expect(again.text(style) == text)
            }
        }
    }

    /// A changed text is refused, or it parses. Then the text written from its value parses to the same value.
    @Test func changedTextsNeverBreakTheParser() throws {
        var generator = Seeded(2)
        let alphabet = Array("{}[]:,\"\\u0123456789abcdefeE+-.truefalsn \n\u{0}\u{1}".utf8) + [0x80, 0xC3, 0xFF]
        var accepted = 0
        for _ in 0..<2500 {
            var text = random(&generator).bytes(.indented)
            for _ in 0..<Int.random(in: 1...3, using: &generator) where !text.isEmpty {
                let place = Int.random(in: 0..<text.count, using: &generator)
                let byte = alphabet[Int.random(in: 0..<alphabet.count, using: &generator)]
                switch Int.random(in: 0..<4, using: &generator) {
                case 0: text[place] = byte
                case 1: text.insert(byte, at: place)
                case 2: text.remove(at: place)
                default: text.removeSubrange(place...)
                }
            }
            guard let value = try? JSONValue.parse(text) else { continue }
            accepted += 1
            #expect(try JSONValue.parse(value.bytes()) == value)
        }
        #expect(accepted > 100)
        #expect(accepted < 2400)
    }
}
