import Testing

@testable import Support

/// Text from outside is cut where it enters and escaped where it leaves.
@Suite struct OutsideTextTests {
    @Test func aLongTextIsCutByScalars() {
        #expect(OutsideText.cut(String(repeating: "a", count: 300)) == String(repeating: "a", count: 300))
        #expect(OutsideText.cut(String(repeating: "a", count: 301)) == String(repeating: "a", count: 300) + "...")
        // One Character of any length.
        let tower = "e" + String(repeating: "\u{301}", count: 8 << 20)
        #expect(OutsideText.cut(tower).unicodeScalars.count == 303)
        #expect(OutsideText.line(OutsideText.cut(String(repeating: "\u{1B}", count: 8 << 20))).count == 303)
        #expect(OutsideText.cut("", to: 0).isEmpty)
        #expect(OutsideText.cut("ab", to: 0) == "...")
    }

    @Test(arguments: [
        ("\u{1B}[2J", #"\u001b[2J"#), ("\u{9B}31m", #"\u009b31m"#), ("a\r\nb\tc", #"a\r\nb\tc"#),
        ("\u{7F}\0", #"\u007f\u0000"#),
        ("\u{2028}\u{2029}", #"\u2028\u2029"#), ("gpj.\u{202E}txt", #"gpj.\u202etxt"#),
        ("\u{2066}x\u{2069}", #"\u2066x\u2069"#), ("\u{200F}\u{61C}", #"\u200f\u061c"#),
        ("µm, é, e\u{301}, 神経, 🧠", "µm, é, e\u{301}, 神経, 🧠"),
        (String(decoding: [0x61, 0xFF, 0xC2] as [UInt8], as: UTF8.self), "a\u{FFFD}\u{FFFD}"), (#"C:\n"#, #"C:\n"#),
    ])
    func nothingInItIsObeyed(_ text: String, _ line: String) { #expect(OutsideText.line(text) == line) }

    @Test func linesKeepTheirEnds() { #expect(OutsideText.lines("a\nb\r\n\u{1B}c") == "a\nb\\r\n\\u001bc") }

    @Test(arguments: [
        ("cannot reach https://ada:secret@a.org/x: no", "cannot reach https://a.org/x: no"),
        ("http://ada:p@ss@a.org", "http://a.org"), ("a https://u@b c http://v:w@d/@e", "a https://b c http://d/@e"),
        ("'https://u:p@h'", "'https://h'"), ("ada@a.org", "ada@a.org"), ("://", "://"), ("", ""),
    ])
    func passwordsAreLeftOut(_ text: String, _ masked: String) { #expect(SecretText.masked(text) == masked) }
}
