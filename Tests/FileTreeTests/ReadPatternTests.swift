import Testing
import Volumes

@testable import FileTree

@Suite struct ReadPatternTests {
    /// A pattern behind a reference, so that `#expect` may call what changes it.
    private final class Reader {
        private var pattern: ReadPattern
        init(longRun: Int = ReadPattern.sequentialRun) { pattern = ReadPattern(longRun: longRun) }
        func refuses(_ range: Range<Int>, _ cost: ReadCost, isDirect: Bool = false) -> Bool {
            pattern.refuses(range, cost: cost, isDirect: isDirect)
        }
        var isSequential: Bool { pattern.isSequential }
        var isLong: Bool { pattern.isLong }
        var isDescending: Bool { pattern.isDescending }
        func progress(of range: Range<Int>) -> (bytes: Range<Int>, start: Int?)? { pattern.progress(of: range) }

        /// What comes of one read of absent bytes: served whole, or page by page after a refusal. True when it was refused.
        func read(_ range: Range<Int>) -> Bool {
            guard refuses(range, .request) else { return false }
            for start in stride(from: range.lowerBound, to: range.upperBound, by: ReadPattern.pageSize) {
                _ = refuses(start..<start + ReadPattern.pageSize, .request)
            }
            return true
        }
    }

    private static let page = ReadPattern.pageSize
    private static let readAhead = 131_072

    /// What the kernel does with a refusal: it asks for the pages that somebody waits for, one by one.
    @Test func aFirstLargeReadOfAbsentBytesIsRefusedOnceAndItsPagesAreThenServed() {
        let pattern = Reader()
        #expect(pattern.refuses(0..<Self.readAhead, .request))
        for start in stride(from: 0, to: Self.readAhead, by: Self.page) {
            #expect(!pattern.refuses(start..<start + Self.page, .request))
        }
        #expect(pattern.isSequential)
        #expect(!pattern.refuses(Self.readAhead..<2 * Self.readAhead, .request))
    }

    /// Two threads take up the kernel's present window and the next one in either order.
    @Test func windowsOfASequentialReaderAreServedInAnyOrder() {
        let window = 1 << 20
        let pattern = Reader()
        for start in stride(from: 0, to: ReadPattern.sequentialRun, by: Self.page) {
            #expect(!pattern.refuses(start..<start + Self.page, .request))
        }
        for pair in stride(from: ReadPattern.sequentialRun, to: 16 * window, by: 2 * window) {
            #expect(!pattern.refuses(pair + window..<pair + 2 * window, .request))
            #expect(!pattern.refuses(pair..<pair + window, .request))
            #expect(pattern.isSequential)
        }
        // A jump is a new reader, before as behind.
        #expect(pattern.refuses(64 * window..<65 * window, .request))
    }

    @Test func theSameRangeAskedForAgainIsServedNoReaderCanBeRefusedTwice() {
        let pattern = Reader()
        #expect(pattern.refuses(8192..<73_728, .request))
        #expect(!pattern.refuses(8192..<73_728, .request))
    }

    @Test func whatNeedsNoRequestSinglePagesAndDirectReadsAreNeverRefused() {
        let pattern = Reader()
        #expect(!pattern.refuses(0..<Self.readAhead, .memory))
        #expect(!pattern.refuses(1 << 23..<1 << 23 + Self.readAhead, .decoding))
        #expect(!pattern.refuses(1 << 24..<1 << 24 + Self.page, .request))
        #expect(!pattern.refuses(1 << 25..<1 << 25 + Self.readAhead, .request, isDirect: true))
    }

    @Test func whatTheKernelReadsAheadOutOfMemoryMakesNoSequentialReader() {
        let pattern = Reader()
        for start in stride(from: 0, to: 1 << 20, by: Self.readAhead) {
            #expect(!pattern.refuses(start..<start + Self.readAhead, .memory))
        }
        #expect(!pattern.isSequential)
    }

    /// A memory map of a 10,000 px wide plane: a page or two each row, with the kernel's read-around before them.
    @Test func theRowsOfAWindowNeverMakeASequentialReader() {
        let pattern = Reader()
        var served = 0
        for row in 0..<512 {
            let page = (4096 + row * 10_000 + 3000) / Self.page * Self.page
            let around = max(0, page - Self.readAhead / 2)..<page + Self.readAhead / 2
            if !pattern.refuses(around, .request) { served += around.count }
            #expect(!pattern.refuses(page..<page + Self.page, .request))
            #expect(!pattern.isSequential)
        }
        #expect(served == 0)
    }

    /// The kernel asks for just the pages of a read that comes from above, and for those of a refused one upwards.
    @Test(arguments: [4096, 32_768, 131_072, 1 << 20])
    func stepsDownwardsMakeASequentialReader(step: Int) {
        let pattern = Reader()
        var refusals = 0
        for end in stride(from: 64 << 20, to: 60 << 20, by: -step) where pattern.read(end - step..<end) {
            refusals += 1
        }
        #expect(pattern.isSequential)
        #expect(pattern.isDescending)
        #expect(refusals <= 2)
    }

    /// A tile row once decoded answers every read of it: nothing is refused, and the run must grow all the same.
    @Test(arguments: [4096, 16_384, 32_768])
    func stepsDownwardsThroughBytesInMemoryMakeASequentialReader(step: Int) {
        let pattern = Reader()
        let top = 64 << 20
        _ = pattern.read(top - step..<top)
        for end in stride(from: top - step, to: top - 10 * ReadPattern.sequentialRun, by: -step) {
            #expect(!pattern.refuses(end - step..<end, .memory))
        }
        #expect(pattern.isSequential)
        // The next row of tiles is not in memory.
        let next = top - 10 * ReadPattern.sequentialRun
        #expect(!pattern.refuses(next - step..<next, .request))
    }

    /// Behind each read the kernel reads ahead upwards, over what was read before and, at first, over what was not.
    @Test(arguments: [4096, 32_768, 131_072, 1 << 20], [ReadCost.memory, .decoding, .request])
    func stepsDownwardsWithTheKernelsReadAhead(step: Int, cost: ReadCost) {
        let pattern = Reader()
        var refusals = 0
        for end in stride(from: 64 << 20, to: 56 << 20, by: -step) {
            if pattern.read(end - step..<end) { refusals += 1 }
            _ = pattern.refuses(end..<end + Self.readAhead, cost)
        }
        #expect(pattern.isSequential)
        #expect(refusals <= 2)
    }

    @Test(arguments: [4096, 32_768, 131_072, 1 << 20])
    func directReadsDownwardsAreSequentialAndAJumpFromThemIsNot(step: Int) {
        let pattern = Reader()
        for end in stride(from: 64 << 20, to: 60 << 20, by: -step) {
            #expect(!pattern.refuses(end - step..<end, .request, isDirect: true))
        }
        #expect(pattern.isSequential)
        #expect(!pattern.refuses(1 << 20..<1 << 20 + Self.page, .request, isDirect: true))
        #expect(!pattern.isSequential)
    }

    /// A crop that is flipped before it is copied: its rows are read from the last to the first.
    @Test(arguments: [ReadCost.memory, .decoding, .request])
    func theRowsOfAWindowFromBelowNeverMakeASequentialReader(cost: ReadCost) {
        let pattern = Reader()
        for row in (0..<512).reversed() {
            let page = (4096 + row * 10_000 + 3000) / Self.page * Self.page
            let around = max(0, page - Self.readAhead / 2)..<page + Self.readAhead / 2
            _ = pattern.refuses(around, cost)
            #expect(!pattern.refuses(page..<page + Self.page, cost))
            #expect(!pattern.isSequential)
        }
    }

    /// Where rows are shorter than a page the pages of a window have no gaps. The kernel reads on behind the window, and that
    /// it is in memory is no reason to believe that anybody wants what comes then.
    @Test(arguments: [3000, 1600], [ReadCost.memory, .decoding, .request])
    func aWindowOf512ShortRowsIsNotLookedAheadFor(width: Int, cost: ReadCost) {
        let longRun = 512 * width + ReadPattern.sequentialRun
        let pattern = Reader(longRun: longRun)
        let start = 2 << 20
        for page in stride(from: start, to: start + 512 * width, by: Self.page) {
            let around = page - (1 << 19)..<page
            _ = pattern.refuses(around, .request)
            _ = pattern.refuses(page + Self.page..<page + (1 << 19), cost)
            #expect(!pattern.refuses(page..<page + Self.page, cost))
            #expect(pattern.progress(of: page..<page + Self.page) == nil)
        }
        #expect(!pattern.isLong)
        let behind = start + 512 * width + Self.page..<start + 512 * width + Self.readAhead
        #expect(pattern.refuses(behind, .request))
    }

    @Test(arguments: [1600, 3000])
    func aReaderOfShortRowsIsLookedAheadForOnceItHasReadMoreThanAWindow(width: Int) {
        let longRun = 512 * width + ReadPattern.sequentialRun
        let pattern = Reader(longRun: longRun)
        var refusals = 0
        for start in stride(from: 0, to: 3 * longRun, by: Self.readAhead) {
            // The first row of tiles comes into memory with the first page, the next is to be fetched.
            let isInMemory = start > 0 && start + Self.readAhead <= 512 * width
            if isInMemory {
                #expect(!pattern.refuses(start..<start + Self.readAhead, .memory))
            } else if pattern.read(start..<start + Self.readAhead) {
                refusals += 1
            }
        }
        #expect(pattern.isLong)
        #expect(refusals <= 3)
        let told = pattern.progress(of: 3 * longRun..<3 * longRun + Self.readAhead)
        #expect(told?.start == 0)
        #expect(pattern.progress(of: 3 * longRun..<3 * longRun + Self.readAhead)?.start == nil)
    }

    /// One large read, whose pages the kernel asks for upwards: the next may lie on either side.
    @Test func thePagesOfOneRefusedReadTellNoDirection() {
        let pattern = Reader()
        let first = 8 << 20..<9 << 20
        #expect(pattern.read(first))
        #expect(pattern.progress(of: first.upperBound - Self.page..<first.upperBound) == nil)
        #expect(!pattern.refuses(7 << 20..<8 << 20, .request))
        #expect(!pattern.refuses(6 << 20..<7 << 20, .request))
        _ = pattern.refuses(5 << 20..<6 << 20, .request)
        let told = pattern.progress(of: 5 << 20..<6 << 20)
        #expect(told?.start == first.upperBound - 1)
        #expect(told?.bytes == 5 << 20..<6 << 20)
    }

    /// Planes of short rows: a row of tiles is in memory as soon as one page of it was read, up to the next.
    @Test(arguments: [4096, 32_768, 131_072, 1 << 20])
    func aReaderThatComesDownThroughRowsOfTilesIsNoted(step: Int) {
        let band = 512 * 3000
        let pattern = Reader(longRun: band + ReadPattern.sequentialRun)
        var (refusals, loaded) = (0, Set<Int>())
        var notes: [Int?] = []
        for end in stride(from: 6 * band, through: band, by: -step) {
            let range = end - step..<end
            let bands = Set(range.lowerBound / band...(range.upperBound - 1) / band)
            if !bands.isSubset(of: loaded) {
                if pattern.read(range) { refusals += 1 }
                loaded.formUnion(bands)
            } else {
                #expect(!pattern.refuses(range, .memory))
            }
            if let progress = pattern.progress(of: range) { notes.append(progress.start) }
        }
        #expect(refusals <= 4)
        #expect(notes.first == .some(6 * band - 1))
        #expect(notes.dropFirst().allSatisfy { $0 == nil })
        #expect(pattern.isDescending)
    }

    /// What Linux does for read(2) of 1 MiB each: half a window before its end it asks for the next, and a window that was
    /// refused is asked for page by page.
    @Test(arguments: [1600, 3000, 5730, 10_000])
    func aReaderWithWindowsOf1MiBIsRefusedFewOfThem(width: Int) {
        let band = 512 * width
        let window = 1 << 20
        let pattern = Reader(longRun: band + ReadPattern.sequentialRun)
        var (loaded, served, refusals) = (Set<Int>(), Set<Int>(), 0)
        func ask(_ range: Range<Int>) -> Bool {
            let bands = Set(range.lowerBound / band...(range.upperBound - 1) / band)
            let isRefused = pattern.refuses(range, bands.isSubset(of: loaded) ? .memory : .request)
            if !isRefused { loaded.formUnion(bands) }
            return isRefused
        }
        for half in 0..<80 {
            let number = (half + 1) / 2
            if half == 0 || half % 2 == 1 {
                if ask(number * window..<(number + 1) * window) { refusals += 1 } else { served.insert(number) }
            }
            let start = half * window / 2
            guard !served.contains(start / window) else { continue }
            for page in stride(from: start, to: start + window / 2, by: Self.page) {
                #expect(!ask(page..<page + Self.page))
            }
        }
        #expect(pattern.isLong)
        #expect(refusals <= band / window + 3)
        #expect(served.isSuperset(of: band / window + 4..<40))
    }
}
