import Foundation
import Logging
import Support
import Testing

@Suite struct LineLogHandlerTests {
    /// The lines that `body` logs through a pipe.
    private func lines(level: Logger.Level = .trace, _ body: (inout Logger) -> Void) throws -> [String] {
        let pipe = Pipe()
        let sink = LogSink(descriptor: pipe.fileHandleForWriting.fileDescriptor)
        var logger = Logger(label: "test") { LineLogHandler(label: $0, level: level, sink: sink) }
        body(&logger)
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

    @Test func linesOfManyThreadsDoNotMix() throws {
        let lines = try lines { logger in
            let copy = logger
            let threads = (0..<4).map { index in
                NamedThread("log-\(index)") {
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
