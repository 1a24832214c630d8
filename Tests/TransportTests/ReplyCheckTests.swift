import Support
import Testing

@testable import Transport

/// Replies that arrive completely but do not answer the request.
@Suite struct ReplyCheckTests {
    /// Fetches `/x` in one try from a server that always sends the same reply.
    private func judge(
        _ steps: [Step], expects: BodyKind = .any, _ change: (inout HTTPRequest) -> Void = { _ in }
    ) -> Reply {
        let server = ScriptedServer { _ in steps }
        let transport = testTransport { $0.maximumAttempts = 1 }
        return transport.fetch(server.url("/x"), expects: expects, change)
    }

    @Test func announcedButMissingBytesAreFound() {
        let error = judge(reply("abc", length: 10) + [.close]).error
        #expect(error?.kind == .truncated)
        #expect(error?.context.cause.contains("3 of 10 bytes") == true)
    }

    @Test func cutChunkedBodyIsFound() {
        let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
        #expect(judge([.send(head + "3\r\nabc\r\n"), .close]).kind == .truncated)
        #expect(judge([.send(head + "3\r\nabc\r\n0\r\n\r\n")]).body == Array("abc".utf8))
    }

    @Test func lengthOtherThanExpectedFails() {
        #expect(judge(reply("abc")) { $0.expectedLength = 4 }.kind == .wrongLength)
        #expect(judge(reply("abc")) { $0.expectedLength = 3 }.body?.count == 3)
        // Without a Content-Length, the end of the connection is the end of the body. Only the expected length detects
        // the fault.
        let unsized: [Step] = [.send("HTTP/1.1 200 OK\r\n\r\nabc"), .close]
        #expect(judge(unsized) { $0.expectedLength = 4 }.kind == .wrongLength)
        #expect(judge(unsized).body == Array("abc".utf8))
    }

    @Test(arguments: [
        "bytes 0-9/100", "bytes 10-18/100", "bytes 10-20/100", "bytes 11-20/100", "bytes 10-19/15", "bytes */100",
        "lines 10-19/100", "bytes 10-19", "bytes 19-10/100", "bytes 10-19/x", "",
    ])
    func contentRangeMustBeWhatWasAsked(_ value: String) {
        let header = value.isEmpty ? [] : ["Content-Range: \(value)"]
        let result = judge(reply("0123456789", status: 206, header)) { $0.range = 10..<20 }
        #expect(result.kind == .wrongRange)
    }

    @Test func rangeMayEndAtTheEndOfTheFile() {
        let steps = reply("01234", status: 206, ["Content-Range: bytes 10-14/15"])
        let response = judge(steps) { $0.range = 10..<20 }.response
        #expect(response?.body.count == 5)
        #expect(response?.head.contentRange?.total == 15)
        let unknown = judge(reply("0123456789", status: 206, ["Content-Range: bytes 10-19/*"])) { $0.range = 10..<20 }
        #expect(unknown.response?.head.contentRange?.total == nil)
        #expect(unknown.body?.count == 10)
    }

    @Test func aFileOfAnotherLengthHasChanged() {
        let steps = reply("01234", status: 206, ["Content-Range: bytes 0-4/15"])
        let right = judge(steps) { ($0.range, $0.totalLength) = (0..<5, 15) }
        #expect(right.body?.count == 5)
        let wrong = judge(steps) { ($0.range, $0.totalLength) = (0..<5, 5) }
        #expect(wrong.kind == .changed)
        #expect(wrong.error?.context.cause.contains("15 bytes, not 5") == true)
    }

    @Test(arguments: [
        ("HTTP/1.1 200 OK", 200), ("HTTP/2 206 ", 206), ("HTTP/1.1 503", 503), ("HTTP/1.1 4000000000000029 Slow", nil),
        ("HTTP/1.1 99 Low", nil), ("HTTP/1.1 +20 OK", nil), ("HTTP/1.1 2e2 OK", nil), ("HTTP/1.1", nil),
    ])
    func aStatusHasThreeDigits(_ line: String, _ status: Int?) {
        var parser = HeadParser(url: "http://a.org/x", limit: 2048)
        for line in [line, ""] {
            let isAccepted = unsafe Array("\(line)\r\n".utf8).withUnsafeBytes { unsafe parser.take($0) }
            #expect(isAccepted)
        }
        #expect(parser.head?.status == status)
    }

    @Test func aReplyWithoutAStatusIsNone() {
        #expect(judge([.send("HTTP/1.1 4000000000000029 Slow\r\nContent-Length: 3\r\n\r\nabc")]).error != nil)
    }

    @Test func rangeAndLengthMustAgree() {
        let steps = reply("0123456789ab", status: 206, ["Content-Range: bytes 10-19/100"])
        #expect(judge(steps) { $0.range = 10..<20 }.kind == .wrongLength)
    }

    @Test func partThatNobodyAskedForFails() {
        #expect(judge(reply("01", status: 206, ["Content-Range: bytes 0-1/5"])).kind == .wrongRange)
    }

    @Test func ignoredRangeIsToldWithoutReadingTheBody() {
        // The body never ends: only the stall timeout would end reading it.
        let server = ScriptedServer { _ in reply("0123456789", length: 1_000_000) + [.hold] }
        let transport = testTransport()
        let result = transport.fetch(server.url("/x")) { $0.range = 10..<20 }
        guard case .rangeIgnored(let total, let context) = result.error else {
            Issue.record("\(result)")
            return
        }
        #expect(total == 1_000_000)
        #expect(context.attempts == 1)
    }

    @Test func ignoredRangeIsReadWholeOnRequest() {
        let result = judge(reply("0123456789")) {
            $0.range = 4..<6
            $0.expectedLength = 2
            $0.acceptsWholeBody = true
        }
        #expect(result.response?.head.status == 200)
        #expect(result.body == Array("0123456789".utf8))
    }

    @Test(arguments: [BodyKind.json, .jpeg, .bytes])
    func webPageInPlaceOfDataFails(_ kind: BodyKind) {
        let page = "<!DOCTYPE html><html><body>Please log in</body></html>"
        #expect(judge(reply(page, ["Content-Type: text/html; charset=utf-8"]), expects: kind).kind == .badShape)
        #expect(judge(reply(page), expects: kind).kind == .badShape)
        #expect(judge(reply(page, ["Content-Type: text/html"]), expects: .any).body?.count == page.utf8.count)
    }

    @Test(arguments: [
        ("{\"a\": 1}\n", "application/json", true), (" \r\n[1]", "text/json; charset=utf-8", true),
        ("[]", "text/javascript", true), ("{}", "", true), ("{}", "application/problem+json", true),
        ("{}", "text/plain", false), ("null", "application/json", false), ("{\"a\": 1", "application/json", false),
        ("[1}", "application/json", false), ("", "application/json", false), ("   ", "application/json", false),
        ("[{\"a\": \"some longer text that is cut", "application/json", false),
    ])
    func jsonIsRecognised(_ body: String, _ type: String, _ fits: Bool) {
        let result = judge(reply(body, type.isEmpty ? [] : ["Content-Type: \(type)"]), expects: .json)
        #expect(fits ? result.body == Array(body.utf8) : result.kind == .badShape)
    }

    @Test(arguments: [
        ([0xFF, 0xD8, 0xFF, 0xE0, 1, 2, 3, 0xFF, 0xD9], "image/jpeg", true),
        ([0xFF, 0xD8, 0xFF, 0xE0, 1, 2, 3, 0xFF, 0xD9, 0, 0x0A], "image/jpg", true),
        ([0xFF, 0xD8, 0xFF, 0xE0, 1, 2, 3, 0xFF, 0xD9], "application/octet-stream", false),
        ([0xFF, 0xD8, 0xFF, 0xE0, 1, 2, 3], "image/jpeg", false),
        ([0x89, 0x50, 0x4E, 0x47, 1, 2, 3, 0xFF, 0xD9], "image/jpeg", false), ([], "image/jpeg", false),
    ])
    func jpegIsRecognised(_ body: [Int], _ type: String, _ fits: Bool) {
        let bytes = body.map(UInt8.init)
        let result = judge(reply(bytes, ["Content-Type: \(type)"]), expects: .jpeg)
        #expect(fits ? result.body == bytes : result.kind == .badShape)
    }

    @Test func shapeIsRecognisedInBytesThatDrip() {
        let body = Array("  {\"a\": [1, 2, 3]}  ".utf8)
        let steps = reply([], ["Content-Type: application/json"], length: body.count) + [.drip(body, 0.001)]
        #expect(judge(steps, expects: .json).body == body)
    }

    @Test func gzipIsAskedForAndUnpackedForJSONOnly() {
        let packed = output(of: "printf '{\"rows\": [1, 2, 3]}' | gzip -9c")
        let headers = ["Content-Type: application/json", "Content-Encoding: gzip"]
        let server = ScriptedServer { _ in reply(packed, headers) }
        let transport = testTransport { $0.maximumAttempts = 1 }
        let result = transport.fetch(server.url("/x"), expects: .json)
        #expect(result.body == Array("{\"rows\": [1, 2, 3]}".utf8))
        #expect(transport.fetch(server.url("/x"), expects: .bytes).kind == .badShape)
        #expect(server.requests.map { $0.headers["accept-encoding"] } == ["gzip", "identity"])
    }

    @Test func brokenOrUnknownCompressionFails() {
        let packed = output(of: "printf '{\"rows\": [1, 2, 3]}' | gzip -9c")
        var broken = packed
        broken[12] ^= 0x55
        let headers = ["Content-Type: application/json", "Content-Encoding: gzip"]
        #expect(judge(reply(broken, headers), expects: .json).kind == .badShape)
        #expect(judge(reply(packed, [headers[0], "Content-Encoding: zip"]), expects: .json).kind == .badShape)
    }

    @Test func gzipBombStopsAtTheLimit() {
        // 40 MB of blanks in 40 KB.
        let packed = output(of: "(printf '['; head -c 40000000 /dev/zero | tr '\\0' ' '; printf ']') | gzip -9c")
        #expect(packed.count < 100_000)
        let headers = ["Content-Type: application/json", "Content-Encoding: gzip"]
        let server = ScriptedServer { _ in reply(packed, headers) }
        let transport = testTransport()
        let error = transport.fetch(server.url("/x"), expects: .json) { $0.maximumBody = 1 << 20 }.error
        #expect(error?.kind == .tooLarge)
        #expect(transport.statistics.bytesReceived < 2 << 20)
        #expect(error?.context.attempts == 1)
    }

    @Test func hugeBodyStopsAtTheLimit() {
        #expect(judge(reply("[", length: 5000)) { $0.maximumBody = 4999 }.kind == .tooLarge)
        let chunk = "1000\r\n" + String(repeating: " ", count: 4096) + "\r\n"
        let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
        let endless: [Step] = [.send(head + "1\r\n[\r\n")] + (0..<100).map { _ in .send(chunk) } + [.hold]
        let error = judge(endless, expects: .json) { $0.maximumBody = 100_000 }.error
        guard case .tooLarge(let limit, _) = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(limit == 100_000)
    }

    @Test func headersWithoutEndFail() {
        let lines = (0..<4000).map { "X-\($0): aaaaaaaaaaaaaaaaaaaaaaaaaa\r\n" }.joined()
        #expect(judge([.send("HTTP/1.1 200 OK\r\n" + lines + "\r\n")]).kind == .badShape)
    }

    @Test(arguments: ["SSH-2.0-OpenSSH_9.2\r\n", "HTTP/1.1 200 OK\r\nContent-Length: nonsense\r\n\r\nabc"])
    func noiseIsNoReply(_ text: String) {
        let result = judge([.send(text), .close])
        #expect(result.response == nil)
        #expect(result.error?.isTransient == true)
    }

    @Test func interimRepliesAreForgotten() {
        let interim = "HTTP/1.1 103 Early Hints\r\nETag: \"wrong\"\r\n\r\n"
        let response = judge([.send(interim)] + reply("abc", ["ETag: \"right\""])).response
        #expect(response?.head.status == 200)
        #expect(response?.head.etag == "\"right\"")
    }

    @Test(arguments: [
        (200, ["ETag: \"new\""], TransportError.Kind.changed), (200, [], .changed),
        (200, ["ETag: \"old\""], .rangeIgnored), (206, ["ETag: \"new\"", "Content-Range: bytes 10-19/100"], .changed),
    ])
    func versionOtherThanExpectedIsTold(_ status: Int, _ headers: [String], _ kind: TransportError.Kind) {
        let result = judge(reply("0123456789", status: status, headers)) {
            $0.range = 10..<20
            $0.ifRange = "\"old\""
        }
        #expect(result.kind == kind)
    }

    /// Some real servers forget the quotes of their tags. Such a tag is no date, and cannot guard a range.
    @Test(arguments: [(["ETag: 5f3a-1c"], nil), (["ETag: 5f3a-1d"], TransportError.Kind.changed), ([], .changed)])
    func aTagWithoutQuotesIsATag(_ tag: [String], _ kind: TransportError.Kind?) {
        let headers = tag + ["Last-Modified: Sun, 06 Nov 1994 08:49:37 GMT", "Content-Range: bytes 10-19/100"]
        let server = ScriptedServer { _ in reply("0123456789", status: 206, headers) }
        let result = testTransport().fetch(server.url("/x")) {
            $0.range = 10..<20
            $0.ifRange = "5f3a-1c"
        }
        #expect(result.kind == kind)
        #expect(server.requests.allSatisfy { $0.headers["if-range"] == nil })
    }

    @Test(arguments: ["\"Sun, 06 Nov 1994 08:49:37 GMT\"", "W/\"Sun, 06 Nov 1994 08:49:37 GMT\""])
    func aTagThatReadsLikeADateIsATag(_ tag: String) {
        let modified = "Last-Modified: Mon, 07 Nov 1994 08:49:37 GMT"
        let headers = ["ETag: \(tag)", modified, "Content-Range: bytes 10-19/100"]
        let result = judge(reply("0123456789", status: 206, headers)) {
            $0.range = 10..<20
            $0.ifRange = tag
        }
        #expect(result.body?.count == 10)
    }

    @Test func aReplyThatNamesNoVersionIsAskedForAgain() {
        let asked = Counter()
        let server = ScriptedServer { _ in
            asked.add()
            guard asked.value > 1 else { return reply("", []) }
            return reply("0123456789", status: 206, ["ETag: \"old\"", "Content-Range: bytes 10-19/100"])
        }
        let result = testTransport().fetch(server.url("/x")) {
            $0.range = 10..<20
            $0.ifRange = "\"old\""
        }
        #expect(result.body?.count == 10)
        #expect(asked.value == 2)
    }

    @Test func versionIsCheckedOnWholeFilesAndHeadsToo() {
        let server = ScriptedServer { request in
            let steps = reply("0123456789", ["ETag: W/\"new\"", "Last-Modified: Sun, 06 Nov 1994 08:49:37 GMT"])
            guard request.method == "HEAD", case .bytes(let bytes) = steps[0] else { return steps }
            return [.bytes(Array(bytes.dropLast(10)))]
        }
        let transport = testTransport()
        #expect(transport.fetch(server.url("/x")) { $0.ifRange = "\"old\"" }.kind == .changed)
        #expect(transport.fetch(server.url("/x")) { $0.ifRange = "\"new\"" }.body?.count == 10)
        let head = transport.fetch(server.url("/x")) {
            $0.method = .head
            $0.ifRange = "Sun, 06 Nov 1994 08:49:37 GMT"
        }
        #expect(head.response?.head.contentLength == 10)
        #expect(head.body == [])
        let changed = transport.fetch(server.url("/x")) {
            $0.method = .head
            $0.ifRange = "Sun, 06 Nov 1994 08:49:38 GMT"
        }
        #expect(changed.kind == .changed)
    }
}
