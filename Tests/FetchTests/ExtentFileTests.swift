import Support
import TestTools
import Testing

@testable import Fetch
@testable import Transport

/// Bytes that repeat after a prime, so that no two extents are alike and slices are quick to make in a debug build.
private let pattern: [UInt8] = {
    var random = SplitMix(77)
    return (0..<100_003).map { _ in UInt8(truncatingIfNeeded: random.next()) }
}()

/// The bytes of a file.
func fileBytes(_ range: Range<Int>) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(range.count)
    while bytes.count < range.count {
        let start = (range.lowerBound + bytes.count) % pattern.count
        bytes.append(contentsOf: pattern[start..<min(pattern.count, start + range.count - bytes.count)])
    }
    return bytes
}

private let mebibyte = 1 << 20

@Suite struct ExtentFileTests {
    private func file(_ bench: Bench, length: Int = 5 * mebibyte / 2, validator: String? = nil) -> ExtentFile {
        ExtentFile(id: "9/file/1", url: "https://h/f.nwb", length: length, validator: validator, fetcher: bench.fetcher)
    }

    private func fetch(_ file: ExtentFile, _ index: Int) -> Outcomes {
        let outcomes = Outcomes()
        file.fetch(extent: index, lane: .demand, token: CancellationToken(), completion: outcomes.completion)
        return outcomes
    }

    @Test func extentsCoverTheFile() throws {
        let bench = try Bench(cached: false)
        defer { bench.close() }
        for length in [0, 1, mebibyte - 1, mebibyte, mebibyte + 1, 5 * mebibyte / 2] {
            let file = file(bench, length: length)
            let ranges = (0..<file.extentCount).map { file.byteRange(ofExtent: $0) }
            #expect(ranges.allSatisfy { !$0.isEmpty && $0.count <= mebibyte })
            #expect(ranges.reduce(0) { $1.lowerBound == $0 ? $1.upperBound : -1 } == length)
            #expect(file.byteRange(ofExtent: file.extentCount).isEmpty)
            for bytes in [0..<1, 0..<length, mebibyte - 1..<mebibyte + 1, mebibyte..<mebibyte, 0..<length + 99, 7..<7] {
                let expected = ranges.indices.filter { ranges[$0].overlaps(bytes) && !bytes.isEmpty }
                #expect(Array(file.extents(covering: bytes)) == expected)
            }
        }
    }

    @Test func extentsAreFetchedByRangeAndAgreeOnOneVersion() throws {
        let bench = try Bench()
        defer { bench.close() }
        let file = file(bench)
        let first = fetch(file, 2)
        let call = try bench.source.call(0)
        #expect(call.request.range == 2 * mebibyte..<5 * mebibyte / 2)
        #expect(call.request.expectedLength == mebibyte / 2 && call.request.maximumBody == mebibyte / 2)
        #expect(call.request.ifRange == nil && !call.request.acceptsWholeBody && call.request.sink == nil)
        call.reply(fileBytes(2 * mebibyte..<5 * mebibyte / 2), ["etag": "\"v\""], status: 206)
        #expect(try first.wait()[0].bytes == fileBytes(2 * mebibyte..<5 * mebibyte / 2))
        #expect(file.validator == "\"v\"")
        let second = fetch(file, 0)
        let next = try bench.source.call(1)
        #expect(next.request.ifRange == "\"v\"")
        next.reply(fileBytes(0..<mebibyte), ["etag": "\"w\""], status: 206)
        #expect(try second.wait()[0].failure == "changed \"v\" to \"w\"")
        // Short twice.
        let third = fetch(file, 0)
        try bench.source.call(2).reply([1], ["etag": "\"v\""], status: 206)
        try bench.source.call(3).reply([1], ["etag": "\"v\""], status: 206)
        #expect(try third.wait()[0].failure == "invalid: 1 bytes, not 1048576")
        let deadline = Instant.now.advanced(bySeconds: 100)
        file.prefetch(extent: 1, deadline: deadline)
        let ahead = try bench.source.call(4)
        #expect(ahead.request.lane == .prefetch && ahead.request.range == mebibyte..<2 * mebibyte)
        file.prefetch(extent: 3, deadline: deadline)
        #expect(bench.source.count == 5)
    }

    /// A request that drips is never slow enough to be given up by the transport.
    @Test func aPrefetchEndsAtItsDeadlineAndItsReaderAsksAgain() throws {
        let bench = try Bench()
        defer { bench.close() }
        let file = file(bench, validator: "\"v\"")
        let deadline = Instant.now.advanced(bySeconds: 100)
        file.prefetch(extent: 1, deadline: deadline)
        let ahead = try bench.source.call(0)
        #expect(ahead.request.deadline == deadline)
        let reader = Outcomes()
        file.fetch(
            extent: 1, lane: .demand, token: CancellationToken(), deadline: deadline.advanced(bySeconds: 1),
            completion: reader.completion)
        ahead.fail { .deadlineExceeded($0) }
        let own = try bench.source.call(1)
        #expect(own.request.lane == .demand && own.request.deadline == deadline.advanced(bySeconds: 1))
        own.reply(fileBytes(mebibyte..<2 * mebibyte), ["etag": "\"v\""], status: 206)
        #expect(try reader.wait()[0].bytes == fileBytes(mebibyte..<2 * mebibyte))
    }

    @Test func twoFirstExtentsOfDifferentVersionsAreNotMixed() throws {
        let bench = try Bench()
        defer { bench.close() }
        let file = file(bench)
        let outcomes = [fetch(file, 0), fetch(file, 1)]
        for index in 0..<2 {
            let call = try bench.source.call(index)
            call.reply(fileBytes(try #require(call.request.range)), ["etag": "\"\(index)\""], status: 206)
        }
        let results = try outcomes.map { try $0.wait()[0] }
        #expect(results.filter { $0.bytes != nil }.count == 1)
        #expect(results.filter { $0.failure?.hasPrefix("changed") == true }.count == 1)
    }

    @Test func aWeakTagIsComparedAndNotSent() throws {
        let bench = try Bench()
        defer { bench.close() }
        let file = file(bench, validator: "W/\"v\"")
        let outcome = fetch(file, 0)
        let call = try bench.source.call(0)
        #expect(call.request.ifRange == nil)
        call.reply(fileBytes(0..<mebibyte), ["etag": "W/\"u\""], status: 206)
        #expect(try outcome.wait()[0].failure == "changed W/\"v\" to W/\"u\"")
    }
}

/// A server that answers every range with the whole file.
final class WholeServer: Sendable {
    struct Plan {
        var length = 0
        var headers = ["etag": "\"v\""]
        /// After how many bytes a try breaks and the transfer starts afresh.
        var breaksAt: [Int] = []
        /// After how many bytes the transfer fails for good.
        var failsAt: Int?
        /// Waits at this byte until ``release``.
        var pausesAt: Int?
        var announced: Int?
    }

    let plan: Monitor<Plan>
    let passes = Counter()
    let paused = Monitor(false)
    private let released = Monitor(false)
    private let threads = Monitor<[NamedThread]>([])

    init(_ plan: Plan) { self.plan = Monitor(plan) }

    func release() { released.update { $0 = true } }
    func join() { for thread in threads.withLock({ $0 }) { thread.join() } }

    func serve(_ call: ScriptedSource.Call) {
        let plan = self.plan.withLock { $0 }
        guard let sink = call.request.sink else {
            call.fail { .rangeIgnored(totalLength: plan.announced ?? plan.length, $0) }
            return
        }
        passes.add()
        do {
            let thread = try NamedThread("server") { self.stream(call, sink, plan) }
            threads.withLock { $0.append(thread) }
        } catch {
            Issue.record(error)
        }
    }

    private func stream(_ call: ScriptedSource.Call, _ sink: any BodySink, _ plan: Plan) {
        var random = SplitMix(9)
        for end in plan.breaksAt + [plan.failsAt ?? plan.length] {
            let head = ResponseHead(status: 200, headers: plan.headers, finalURL: call.request.url)
            guard sink.begin(head) else {
                call.fail { .refusedBySink($0) }
                return
            }
            var offset = 0
            while offset < end {
                if let pause = plan.pausesAt, offset >= pause {
                    paused.update { $0 = true }
                    released.wait { $0 ? () : nil }
                }
                let count = min(Int.random(in: 1...300_000, using: &random), end - offset)
                guard fileBytes(offset..<offset + count).withUnsafeBytes({ sink.receive($0) }) else {
                    call.fail { .refusedBySink($0) }
                    return
                }
                offset += count
            }
        }
        if plan.failsAt == nil { call.reply([], plan.headers) } else { call.fail { .truncated($0) } }
    }
}
