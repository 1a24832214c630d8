import Specimens
import Support
import Testing

@testable import FolderSource

@Suite struct TIFFFileTests {
    /// A file of 8 strips, each a patch of its own.
    private static func bands() throws -> (fixture: TIFFFixture, bytes: [UInt8]) {
        var fixture = TIFFFixture()
        (fixture.bits, fixture.compression, fixture.rowsPerStrip) = (16, .deflate, 50)
        fixture.pages = [TIFFFixture.Page(width: 3000, height: 400)]
        fixture.paint()
        let bytes = try fixture.written()
        return (fixture, bytes)
    }

    @Test func onlyTheStripsOfARectangleAreReadAndNoneTwice() throws {
        let testing = try TIFFTesting(memory: 64 << 20)
        defer { testing.pool.shutdown() }
        let (fixture, bytes) = try Self.bands()
        let source = MemoryByteSource(bytes)
        let file = try testing.open(source)
        let opening = source.ranges.count
        #expect(try file.rectangle(0, 7, 60, 9, 30) == fixture.pages[0].rectangle(7, 60, 9, 30, bits: 16))
        // Two arrays of positions and one strip.
        let reads = source.ranges[opening...]
        #expect(reads.count == 3 && reads.allSatisfy { $0.count < bytes.count / 4 })
        #expect(try file.rectangle(0, 2000, 50, 9, 50) == fixture.pages[0].rectangle(2000, 50, 9, 50, bits: 16))
        #expect(source.ranges.count == opening + 3)
        #expect(try file.rectangle(0, 0, 99, 1, 2) == fixture.pages[0].rectangle(0, 99, 1, 2, bits: 16))
        #expect(source.ranges.count == opening + 4)
    }

    @Test func readersOfOneStripShareItsDecoding() throws {
        let testing = try TIFFTesting()
        let io = try WorkerPool(name: "io", count: 1)
        defer {
            testing.pool.shutdown()
            io.shutdown()
        }
        let (fixture, bytes) = try Self.bands()
        let source = MemoryByteSource(bytes, answeringOn: io)
        let file = try testing.open(source)
        _ = try file.rectangle(0, 0, 399, 1, 1)
        let before = source.ranges.count
        source.open(false)
        let frames = (0..<20).map { SourceObject.Frame(x: $0 * 100, y: 10, width: 50, height: 20) }
        let reading = frames.map { file.read(page: 0, frame: $0, token: CancellationToken()) }
        #expect(source.ranges.count == before + 1)
        source.open(true)
        for (frame, promise) in zip(frames, reading) {
            #expect(
                try promise.wait().get()
                    == fixture.pages[0].rectangle(frame.x, frame.y, frame.width, frame.height, bits: 16))
        }
    }

    @Test func aCancelledReadEndsAtOnce() throws {
        let testing = try TIFFTesting()
        let io = try WorkerPool(name: "io", count: 1)
        defer {
            testing.pool.shutdown()
            io.shutdown()
        }
        let source = MemoryByteSource(try Self.bands().bytes, answeringOn: io)
        let file = try testing.open(source)
        source.open(false)
        let token = CancellationToken()
        let reading = file.read(page: 0, frame: SourceObject.Frame(x: 0, y: 0, width: 9, height: 9), token: token)
        #expect(reading.result == nil)
        token.cancel()
        #expect(throws: TIFFError.self) { try reading.wait().get() }
        source.open(true)
        #expect(throws: TIFFError.self) {
            try TIFFFile.open(source, decoding: testing.decoding, token: token).wait().get()
        }
    }

    @Test func theErrorOfTheSourceIsPassedOn() throws {
        let testing = try TIFFTesting()
        defer { testing.pool.shutdown() }
        let source = MemoryByteSource(try Self.bands().bytes)
        let file = try testing.open(source)
        source.fail(SourceError(.timedOut, "the disk does not answer"))
        for read in [{ _ = try file.plane(0) }, { _ = try testing.open(source) }] as [() throws -> Void] {
            do {
                try read()
                Issue.record("it is read")
            } catch let error as TIFFError {
                guard case .source(let cause) = error else {
                    Issue.record("\(error)")
                    return
                }
                #expect(cause.kind == .timedOut)
            }
        }
    }

    @Test func aRectangleThatIsNotInThePageIsRefused() throws {
        let testing = try TIFFTesting()
        defer { testing.pool.shutdown() }
        let file = try testing.open(HandmadeTIFF().bytes)
        for (page, x, y, width, height) in [
            (1, 0, 0, 1, 1), (-1, 0, 0, 1, 1), (0, -1, 0, 1, 1), (0, 0, 0, 5, 1), (0, 3, 3, 1, 2), (0, 0, 0, 0, 1),
            (0, Int.max, 0, 1, 1), (0, 1, 1, Int.max, 1),
        ] {
            #expect(throws: TIFFError.self) { try file.rectangle(page, x, y, width, height) }
        }
        #expect(try file.rectangle(0, 3, 3, 1, 1) == [15])
    }

    @Test func aFileThatIsClosedLeavesNoPixelsInMemory() throws {
        let testing = try TIFFTesting()
        defer { testing.pool.shutdown() }
        do {
            let file = try testing.open(HandmadeTIFF().bytes)
            _ = try file.plane(0)
            #expect(testing.decoding.keptBytes > 16)
        }
        #expect(testing.decoding.keptBytes == 0)
    }

    @Test func tenThousandPagesAreOpenedOverASlowSource() throws {
        let testing = try TIFFTesting()
        let io = try WorkerPool(name: "io", count: 1)
        defer {
            testing.pool.shutdown()
            io.shutdown()
        }
        var long = HandmadeTIFF()
        long.directories = 10_000
        let source = MemoryByteSource(long.bytes, answeringOn: io)
        let file = try testing.open(source)
        #expect(file.pages.count == 10_000)
        #expect(try file.plane(9999) == (0..<16).map { UInt8($0) })
        #expect(source.ranges.reduce(0) { $0 + $1.count } < 2 * source.length)
    }
}
