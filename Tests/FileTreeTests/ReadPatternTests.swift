import Testing

@testable import FileTree

@Suite("Read pattern")
struct ReadPatternTests {
    /// A pattern behind a reference, so that `#expect` may call what changes it.
    private final class Reader {
        private var pattern = ReadPattern()
        func refuses(_ range: Range<Int>, isInMemory: Bool, isDirect: Bool) -> Bool {
            pattern.refuses(range, isInMemory: isInMemory, isDirect: isDirect)
        }
        var isSequential: Bool { pattern.isSequential }
    }

    private static let page = ReadPattern.pageSize
    private static let readAhead = 131_072

    /// What the kernel does with a refusal: it asks for the pages that somebody waits for, one by one.
    @Test("a first large read of absent bytes is refused once, and its pages are then served")
    func firstRead() {
        let pattern = Reader()
        #expect(pattern.refuses(0..<Self.readAhead, isInMemory: false, isDirect: false))
        for start in stride(from: 0, to: Self.readAhead, by: Self.page) {
            #expect(!pattern.refuses(start..<start + Self.page, isInMemory: false, isDirect: false))
        }
        #expect(pattern.isSequential)
        #expect(!pattern.refuses(Self.readAhead..<2 * Self.readAhead, isInMemory: false, isDirect: false))
    }

    /// Two threads take up the kernel's present window and the next one in either order.
    @Test("windows of a sequential reader are served in any order")
    func outOfOrder() {
        let window = 1 << 20
        let pattern = Reader()
        for start in stride(from: 0, to: ReadPattern.sequentialRun, by: Self.page) {
            #expect(!pattern.refuses(start..<start + Self.page, isInMemory: false, isDirect: false))
        }
        for pair in stride(from: ReadPattern.sequentialRun, to: 16 * window, by: 2 * window) {
            #expect(!pattern.refuses(pair + window..<pair + 2 * window, isInMemory: false, isDirect: false))
            #expect(!pattern.refuses(pair..<pair + window, isInMemory: false, isDirect: false))
            #expect(pattern.isSequential)
        }
        // A jump is a new reader, before as behind.
        #expect(pattern.refuses(64 * window..<65 * window, isInMemory: false, isDirect: false))
    }

    @Test("the same range asked for again is served: no reader can be refused twice")
    func repeated() {
        let pattern = Reader()
        #expect(pattern.refuses(8192..<73_728, isInMemory: false, isDirect: false))
        #expect(!pattern.refuses(8192..<73_728, isInMemory: false, isDirect: false))
    }

    @Test("bytes in memory, single pages and O_DIRECT are never refused")
    func neverRefused() {
        let pattern = Reader()
        #expect(!pattern.refuses(0..<Self.readAhead, isInMemory: true, isDirect: false))
        #expect(!pattern.refuses(1 << 24..<1 << 24 + Self.page, isInMemory: false, isDirect: false))
        #expect(!pattern.refuses(1 << 25..<1 << 25 + Self.readAhead, isInMemory: false, isDirect: true))
    }

    @Test("what the kernel reads ahead out of memory makes no sequential reader")
    func readAheadFromMemory() {
        let pattern = Reader()
        for start in stride(from: 0, to: 1 << 20, by: Self.readAhead) {
            #expect(!pattern.refuses(start..<start + Self.readAhead, isInMemory: true, isDirect: false))
        }
        #expect(!pattern.isSequential)
    }

    /// A memory map of a 10,000 px wide plane: a page or two each row, with the kernel's read-around before them.
    @Test("the rows of a window never make a sequential reader")
    func window() {
        let pattern = Reader()
        var served = 0
        for row in 0..<512 {
            let page = (4096 + row * 10_000 + 3000) / Self.page * Self.page
            let around = max(0, page - Self.readAhead / 2)..<page + Self.readAhead / 2
            if !pattern.refuses(around, isInMemory: false, isDirect: false) { served += around.count }
            #expect(!pattern.refuses(page..<page + Self.page, isInMemory: false, isDirect: false))
            #expect(!pattern.isSequential)
        }
        #expect(served == 0)
    }
}
