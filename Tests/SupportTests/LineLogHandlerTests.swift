import Foundation
import Logging
import Support
import Testing

@Suite struct LineLogHandlerTests {
    /// The lines that `body` logs through a pipe.
    private func lines(level: Logger.Level = .trace, _ body: (inout Logger) throws -> Void) throws -> [String] {
        let pipe = Pipe()
        let sink = LogSink(descriptor: pipe.fileHandleForWriting.fileDescriptor)
        var logger = Logger(label: "test") { LineLogHandler(label: $0, level: level, sink: sink) }
        try body(&logger)
        try pipe.fileHandleForWriting.close()
        let text = String(decoding: try pipe.fileHandleForReading.readToEnd() ?? Data(), as: UTF8.self)
        #expect(text.isEmpty || text.hasSuffix("\n"))
        return text.split(separator: "\n").map(String.init)
    }

    /// The line without its time.
    private func body(_ line: String) throws -> String {
        let time = try #require(line.firstRange(of: #/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z /#))
        return String(line[time.upperBound...])
    }

    @Test func writesLevelLabelMessageAndSortedFields() throws {
        let lines = try lines { logger in
            logger[metadataKey: "mount"] = "m1"
            logger.info("opened", metadata: ["z": "1", "a": "two words", "q": "a\"b", "e": ""])
            logger.error("bad")
        }
        #expect(lines.count == 2)
        #expect(try body(lines[0]) == #"info test opened a="two words" e="" mount=m1 q="a\"b" z=1"#)
        #expect(try body(lines[1]) == "error test bad mount=m1")
    }

    @Test func aFieldOfTheLineOverridesTheLoggers() throws {
        let lines = try lines { logger in
            logger[metadataKey: "id"] = "1"
            logger.info("x", metadata: ["id": "2"])
        }
        #expect(try body(lines[0]) == "info test x id=2")
    }

    @Test func leavesOutWhatIsBelowTheLevel() throws {
        let lines = try lines(level: .warning) { logger in
            logger.info("quiet")
            logger.warning("loud")
        }
        #expect(lines.count == 1)
        #expect(try body(lines[0]) == "warning test loud")
    }

    @Test func aMessageIsOneLine() throws {
        let lines = try lines { $0.info("one\ntwo", metadata: ["k": "v\nw"]) }
        #expect(lines.count == 1)
        #expect(lines[0].contains("one\\ntwo"))
    }

    /// Every scalar that ends a line somewhere or that a terminal executes, and the backslash of the escapes.
    @Test(arguments: [
        ("\r\n", "\\r\\n"), ("\r", "\\r"), ("\t", "\\t"), ("\0", "\\u0000"), ("\u{1B}[31m", "\\u001b[31m"),
        ("\u{7F}", "\\u007f"), ("\u{85}", "\\u0085"), ("\u{9B}2J", "\\u009b2J"), ("\u{2028}", "\\u2028"),
        ("\u{2029}", "\\u2029"), ("\u{0B}\u{0C}", "\\u000b\\u000c"), ("\\n", "\\\\n"),
        ("e\u{301}\r\u{301}", "e\u{301}\\r\u{301}"),
    ])
    func controlsAreEscaped(_ raw: String, _ escaped: String) throws {
        let lines = try lines { $0.info("a\(raw)b", metadata: ["k": "c\(raw)d", "l": "1"]) }
        #expect(lines.count == 1)
        #expect(try body(lines[0]) == "info test a\(escaped)b k=\"c\(escaped)d\" l=1")
    }

    @Test func aQuotedValueEndsAtItsQuote() throws {
        let lines = try lines { $0.info("x", metadata: ["k": "a\\", "m": "\u{A0}", "q": "\"\u{301}=\\\""]) }
        #expect(try body(lines[0]) == "info test x k=\"a\\\\\" m=\"\u{A0}\" q=\"\\\"\u{301}=\\\\\\\"\"")
    }

    @Test func aLongTextIsCut() throws {
        func text(_ letter: String, _ count: Int) -> String { String(repeating: letter, count: count) }
        let lines = try lines { $0.info("\(text("m", 5000))", metadata: ["k": "\(text("v", 5000))"]) }
        let (message, value) = (text("m", 4096), text("v", 4096))
        #expect(try body(lines[0]) == "info test \(message)... (5000 bytes) k=\"\(value)... (5000 bytes)\"")
    }

    @Test func linesOfManyThreadsDoNotMix() throws {
        let lines = try lines { logger in
            let copy = logger
            let threads = try (0..<4).map { index in
                try NamedThread("log-\(index)") {
                    for _ in 0..<40 { copy.info("\(String(repeating: "\(index)", count: 60))") }
                }
            }
            for thread in threads { thread.join() }
        }
        #expect(lines.count == 160)
        for line in lines {
            let message = try body(line).dropFirst("info test ".count)
            #expect(message.count == 60)
            #expect(Set(message).count == 1)
        }
    }
}
