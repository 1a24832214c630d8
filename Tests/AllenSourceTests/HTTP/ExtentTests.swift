import Specimens
import Support
import TestTools
import Testing

@testable import AllenSource
@testable import Transport

private let mebibyte = 1 << 20

@Suite struct ExtentTests {
    private let file = TestFile(length: 5 * mebibyte / 2)

    @Test func extentsCoverTheFile() {
        for length in [0, 1, mebibyte - 1, mebibyte, mebibyte + 1, 5 * mebibyte / 2] {
            let count = ObjectExtents.count(length)
            let ranges = (0..<count).map { ObjectExtents.bytes(of: $0, length: length) }
            #expect(ranges.allSatisfy { !$0.isEmpty && $0.count <= mebibyte })
            #expect(ranges.reduce(0) { $1.lowerBound == $0 ? $1.upperBound : -1 } == length)
            #expect(ObjectExtents.bytes(of: count, length: length).isEmpty)
        }
    }

    @Test func extentsAreFetchedByRange() throws {
        let bench = try HTTPBench()
        defer { bench.close() }
        let first = bench.fetch(file.request(2))
        let call = try bench.http.call(0)
        #expect(call.request.url == "https://example.org/api/v2/well_known_file_download/1")
        #expect(call.request.range == 2 * mebibyte..<5 * mebibyte / 2)
        #expect(call.request.expectedLength == mebibyte / 2 && call.request.maximumBody == mebibyte / 2)
        #expect(call.request.totalLength == 5 * mebibyte / 2 && call.request.ifRange == "\"v\"")
        #expect(!call.request.acceptsWholeBody && call.request.sink == nil && !call.request.isMetadata)
        call.reply(fileBytes(2 * mebibyte..<5 * mebibyte / 2), ["etag": "\"v\""], status: 206)
        #expect(try first.wait()[0].bytes == fileBytes(2 * mebibyte..<5 * mebibyte / 2))
        let second = bench.fetch(file.request(0))
        try bench.http.call(1).reply(fileBytes(0..<mebibyte), ["etag": "\"w\""], status: 206)
        #expect(try second.wait()[0].failure == "changed \"v\" to \"w\"")
        // Short twice.
        let third = bench.fetch(file.request(0))
        try bench.http.call(2).reply([1], ["etag": "\"v\""], status: 206)
        try bench.http.call(3).reply([1], ["etag": "\"v\""], status: 206)
        #expect(try third.wait()[0].failure == "invalid: 1 bytes, not 1048576")
        bench.fetcher.prefetch(file.request(1))
        let ahead = try bench.http.call(4)
        #expect(ahead.request.lane == .prefetch && ahead.request.range == mebibyte..<2 * mebibyte)
    }

    @Test func aSmallFileDoesNotWaitBehindImages() throws {
        let bench = try HTTPBench()
        defer { bench.close() }
        _ = bench.fetch(TestFile(length: mebibyte).request(0))
        #expect(try bench.http.call(0).request.isMetadata)
    }

    /// A request that drips is never slow enough to be given up by the transport.
    @Test func aPrefetchEndsAtItsDeadlineAndItsReaderAsksAgain() throws {
        let bench = try HTTPBench()
        defer { bench.close() }
        let deadline = Instant.now.advanced(bySeconds: 100)
        bench.fetcher.prefetch(file.request(1, deadline: deadline))
        let ahead = try bench.http.call(0)
        #expect(ahead.request.deadline == deadline)
        let reader = bench.fetch(file.request(1, deadline: deadline.advanced(bySeconds: 1)))
        ahead.fail { .deadlineExceeded($0) }
        let own = try bench.http.call(1)
        #expect(own.request.lane == .demand && own.request.deadline == deadline.advanced(bySeconds: 1))
        own.reply(fileBytes(mebibyte..<2 * mebibyte), ["etag": "\"v\""], status: 206)
        #expect(try reader.wait()[0].bytes == fileBytes(mebibyte..<2 * mebibyte))
    }

    @Test func aWeakTagIsComparedAndNotSent() throws {
        let bench = try HTTPBench()
        defer { bench.close() }
        let outcome = bench.fetch(TestFile(length: 5 * mebibyte / 2, version: "W/\"v\"").request(0))
        let call = try bench.http.call(0)
        #expect(call.request.ifRange == nil)
        call.reply(fileBytes(0..<mebibyte), ["etag": "W/\"u\""], status: 206)
        #expect(try outcome.wait()[0].failure == "changed W/\"v\" to W/\"u\"")
    }

    @Test func aTileIsARectangleOfTheFullFrame() throws {
        let bench = try HTTPBench()
        defer { bench.close() }
        let plane = SourceObject(
            id: .image(7, of: 9), frame: SourceObject.Frame(x: 3, y: 5, width: 1300, height: 1001))
        // Level 1 has 650 x 501 px: its last tile covers an odd row that the plane has no second half of.
        let last = SourceObject.Frame(x: 512, y: 0, width: 138, height: 501)
        let tile = BlockPart.Tile(index: 1, level: 1, side: 512, frame: last)
        _ = bench.fetch(BlockRequest(object: plane, part: .tile(tile), expected: nil))
        let request = try bench.http.call(0).request
        #expect(
            request.url
                == "https://example.org/api/v2/section_image_download/7?left=1027&top=5&width=276&height=1001&downsample=1"
        )
        #expect(request.expects == .jpeg && request.object == "9/image/7/t512/1")
        #expect(request.maximumBody == 138 * 501 * 3 + 65_536)
    }
}
