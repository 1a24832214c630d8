import Foundation
import Logging
import Support
import Testing

/// A log that grows, also on a full disk.
@Suite struct LogSinkTests {
    /// A temporary log file, with a logger that writes to it.
    private final class Log {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("log-\(UUID().uuidString)").path
        let path: String
        let descriptor: Int32
        let sink: LogSink

        init(limit: Int, name: String = "log") throws {
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
            path = "\(folder)/\(name)"
            descriptor = try openFile("\(folder)/log", flags: O_WRONLY | O_CREAT | O_APPEND, mode: 0o600)
            sink = LogSink(descriptor: descriptor, path: path, limit: limit)
        }

        deinit {
            close(descriptor)
            _ = try? FileManager.default.removeItem(atPath: folder)
        }

        func write(_ numbers: Range<Int>) {
            let logger = Logger(label: "t") { [sink] in LineLogHandler(label: $0, level: .info, sink: sink) }
            for number in numbers { logger.info("line", metadata: ["n": "\(number)"]) }
        }

        /// The numbers of the lines in a file of the folder. All lines must be complete.
        func numbers(_ name: String) throws -> [Int] {
            let text = String(decoding: try readWholeFile("\(folder)/\(name)"), as: UTF8.self)
            #expect(text.isEmpty || text.hasSuffix("\n"))
            return try text.split(separator: "\n").map { line in
                let match = try #require(line.wholeMatch(of: #/\d{4}-[^ ]+Z info t line n=(\d+)/#), "\(line)")
                return try #require(Int(match.1))
            }
        }

        var names: [String] { get throws { try FileManager.default.contentsOfDirectory(atPath: folder).sorted() } }
    }

    @Test func aFileThatHasItsSizeIsSetAside() throws {
        let log = try Log(limit: 4000)
        log.write(0..<500)
        #expect(try log.names == ["log", "log.1"])
        let (old, new) = (try log.numbers("log.1"), try log.numbers("log"))
        #expect(old + new == Array((old.first ?? 500)..<500))
        #expect(old.count > 50 && old.count < 120)
    }

    @Test func linesOfManyThreadsSurviveIt() throws {
        let log = try Log(limit: 6000)
        let sink = log.sink
        let threads = try (0..<4).map { index in
            try NamedThread("log-\(index)") {
                let logger = Logger(label: "t") { LineLogHandler(label: $0, level: .info, sink: sink) }
                for number in 0..<25 { logger.info("line", metadata: ["n": "\(index * 25 + number)"]) }
            }
        }
        for thread in threads { thread.join() }
        #expect(try log.names == ["log", "log.1"] || log.names == ["log"])
        let old = try log.names.contains("log.1") ? log.numbers("log.1") : []
        #expect(Set(old + (try log.numbers("log"))) == Set(0..<100))
    }

    @Test func aFileThatIsNotTheDescriptorsIsLeftAlone() throws {
        let log = try Log(limit: 1000, name: "other")
        try writeFileAtomically(Array("theirs".utf8), to: log.path)
        log.write(0..<100)
        #expect(try log.names == ["log", "other"])
        #expect(try log.numbers("log") == Array(0..<100))
    }

    @Test func aFileThatWasMovedIsFollowedByANewOne() throws {
        let log = try Log(limit: 2000)
        log.write(0..<5)
        try FileManager.default.moveItem(atPath: log.path, toPath: "\(log.folder)/rotated")
        log.write(5..<100)
        #expect(try log.names.contains("rotated"))
        #expect(try log.numbers("rotated").first == 0)
        #expect(try log.numbers("log").last == 99)
    }

    @Test func aFileThatCannotBeSetAsideIsGoneOnWith() throws {
        let log = try Log(limit: 2000)
        // A directory of that name cannot be opened for writing.
        try FileManager.default.createDirectory(atPath: "\(log.path).new", withIntermediateDirectories: false)
        log.write(0..<100)
        #expect(try log.numbers("log") == Array(0..<100))
        try FileManager.default.removeItem(atPath: "\(log.path).new")
        log.write(100..<200)
        #expect(try log.names.contains("log.1"))
        #expect(try log.numbers("log").last == 199)
    }
}
