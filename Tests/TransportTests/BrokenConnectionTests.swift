import Support
import Testing

@testable import Transport

/// Connections that fail before, in and after a reply.
@Suite struct BrokenConnectionTests {
    @Test func refusedConnectionIsNamed() {
        let server = ScriptedServer { _ in [] }
        let url = server.url("/x")
        server.stop()
        let transport = testTransport { $0.maximumAttempts = 3 }
        let error = transport.fetch(url).error
        #expect(error?.kind == .connectFailed)
        #expect(error?.isTransient == true)
        #expect(error?.context.attempts == 3)
        #expect(error?.description.hasPrefix("host 127.0.0.1: no connection") == true)
        #expect(error?.description.hasSuffix("after 3 attempts (\(url))") == true)
    }

    @Test func unknownHostIsNamed() {
        let transport = testTransport {
            $0.maximumAttempts = 1
            // A resolver without a reply asks again after 5 s, and then it asks another server.
            $0.connectTimeout = 60
            $0.firstByteTimeout = 60
        }
        let error = transport.fetch("http://no-such-host.invalid/").error
        #expect(error?.kind == .unresolvedHost)
        #expect(error?.context.host == "no-such-host.invalid")
    }

    @Test(arguments: [Step.reset, Step.close])
    func connectionCutBeforeTheReplyIsTriedAgain(_ cut: Step) {
        let server = ScriptedServer { $0.number < 2 ? [cut] : reply("fine") }
        let transport = testTransport()
        let response = transport.fetch(server.url("/x")).response
        #expect(response?.body == Array("fine".utf8))
        #expect(response?.attempts == 3)
    }

    @Test func connectionAlwaysClosedFails() {
        let server = ScriptedServer { _ in [.close] }
        let transport = testTransport { $0.maximumAttempts = 2 }
        let error = transport.fetch(server.url("/x")).error
        #expect(error?.kind == .reset)
        #expect(server.requests.count == 2)
    }

    @Test func cutBodyWithoutValidatorStartsAfresh() {
        let file = pattern(5000)
        let server = ScriptedServer { request in
            request.number == 0 ? reply(Array(file[..<2000]), length: 5000) + [.close] : reply(file)
        }
        let transport = testTransport()
        let response = transport.fetch(server.url("/x")).response
        #expect(response?.body == file)
        #expect(server.requests.map { $0.headers["range"] } == [nil, nil])
        #expect(transport.statistics.resumed == 0)
    }

    @Test(arguments: [
        ["ETag: \"v1\""],
        ["Last-Modified: Sun, 06 Nov 1994 08:49:37 GMT", "Date: Mon, 07 Nov 1994 08:49:37 GMT"],
    ])
    func cutBodyWithValidatorIsResumed(_ validator: [String]) {
        let file = pattern(5000)
        let server = ScriptedServer { request in
            let honestReply = honest(file, request, validator)
            guard request.number < 2, case .bytes(let bytes) = honestReply[0] else { return honestReply }
            return [.bytes(Array(bytes.dropLast(1500))), request.number == 0 ? .reset : .close]
        }
        let transport = testTransport()
        let response = transport.fetch(server.url("/x")).response
        #expect(response?.body == file)
        #expect(response?.head.status == 200)
        // A reset may discard bytes that the client had not read. So the offset in the next request is the client's own
        // count.
        let ranges = server.requests.compactMap { requestedRange($0, size: file.count)?.lowerBound }
        #expect(server.requests.count == 3)
        #expect(ranges.last == 5000 - 1500)
        let sent = server.requests.last?.headers["if-range"]
        #expect(sent == (validator[0].hasPrefix("ETag") ? "\"v1\"" : "Sun, 06 Nov 1994 08:49:37 GMT"))
    }

    @Test func cutRangeIsResumedWithinItself() {
        let file = pattern(9000)
        let server = ScriptedServer { request in
            guard request.number == 0, case .bytes(let bytes) = honest(file, request, ["ETag: \"v1\""])[0] else {
                return honest(file, request, ["ETag: \"v1\""])
            }
            return [.bytes(Array(bytes.dropLast(1000))), .close]
        }
        let transport = testTransport()
        let result = transport.fetch(server.url("/x")) {
            $0.range = 1000..<6000
            $0.ifRange = "\"v1\""
        }
        #expect(result.body == Array(file[1000..<6000]))
        #expect(server.requests.map { $0.headers["range"] } == ["bytes=1000-5999", "bytes=5000-5999"])
        #expect(server.requests.map { $0.headers["if-range"] } == ["\"v1\"", "\"v1\""])
        #expect(transport.statistics.resumed == 1)
    }

    @Test func weakOrSameSecondValidatorIsNotTrusted() {
        for header in ["ETag: W/\"v1\"", "Last-Modified: Sun, 06 Nov 1994 08:49:37 GMT"] {
            let file = pattern(3000)
            let server = ScriptedServer { request in
                let now = "Date: Sun, 06 Nov 1994 08:49:37 GMT"
                guard request.number == 0, case .bytes(let bytes) = honest(file, request, [header, now])[0] else {
                    return honest(file, request, [header, now])
                }
                return [.bytes(Array(bytes.dropLast(1000))), .close]
            }
            let transport = testTransport()
            #expect(transport.fetch(server.url("/x")).body == file)
            #expect(server.requests.last?.headers["range"] == nil)
        }
    }

    @Test func fileThatChangesInTheMiddleIsNeverMixed() {
        let old = pattern(4000, seed: 1)
        let new = pattern(4400, seed: 2)
        // Two kinds of server: one honours If-Range and sends the whole new file, the other sends a part of the new
        // file.
        for ignoresIfRange in [false, true] {
            let server = ScriptedServer { request in
                if request.number == 0, case .bytes(let bytes) = honest(old, request, ["ETag: \"old\""])[0] {
                    return [.bytes(Array(bytes.dropLast(1000))), .close]
                }
                let isPart = ignoresIfRange && request.headers["range"] != nil
                return isPart
                    ? honest(new, request, ["ETag: \"new\""])
                    : reply(new, ["ETag: \"new\"", "Accept-Ranges: bytes"])
            }
            let transport = testTransport()
            let response = transport.fetch(server.url("/x")).response
            #expect(response?.body == new)
            #expect(response?.head.etag == "\"new\"")
        }
    }

    @Test func fileThatChangesUnderAKnownVersionFails() {
        let old = pattern(4000, seed: 1)
        let new = pattern(4400, seed: 2)
        let server = ScriptedServer { request in
            if request.number == 0, case .bytes(let bytes) = honest(old, request, ["ETag: \"old\""])[0] {
                return [.bytes(Array(bytes.dropLast(1000))), .close]
            }
            return reply(new, ["ETag: \"new\""])
        }
        let transport = testTransport()
        let result = transport.fetch(server.url("/x")) {
            $0.range = 0..<4000
            $0.ifRange = "\"old\""
        }
        guard case .changed(let etag, _) = result.error else {
            Issue.record("\(result)")
            return
        }
        #expect(etag == "\"new\"")
        #expect(result.error?.isTransient == false)
    }

    @Test func restRefusedBecauseTheFileShrankStartsAfresh() {
        let server = ScriptedServer { request in
            switch request.number {
            case 0: reply("0123456789", ["ETag: \"a\"", "Accept-Ranges: bytes"], length: 20) + [.close]
            case 1: reply("no", status: 416)
            default: reply("short")
            }
        }
        let transport = testTransport()
        #expect(transport.fetch(server.url("/x")).body == Array("short".utf8))
        #expect(server.requests.map { $0.headers["range"] } == [nil, "bytes=10-", nil])
    }

    @Test func resumeSurvivesABusyReplyInBetween() {
        let file = pattern(3000)
        let server = ScriptedServer { request in
            switch request.number {
            case 0: reply(Array(file[..<1000]), ["ETag: \"a\"", "Accept-Ranges: bytes"], length: 3000) + [.close]
            case 1: reply("busy", status: 503)
            default: honest(file, request, ["ETag: \"a\""])
            }
        }
        let transport = testTransport()
        #expect(transport.fetch(server.url("/x")).body == file)
        #expect(server.requests.map { $0.headers["range"] } == [nil, "bytes=1000-", "bytes=1000-"])
    }

    /// All bytes came, but the end of the chunks did not. So there is no rest to ask for.
    @Test(arguments: [(0..<10, 100), (90..<110, 100)])
    func aPartCutBehindItsLastByteIsAskedForAfresh(_ range: Range<Int>, _ size: Int) {
        let file = pattern(size)
        let server = ScriptedServer { request in
            guard request.number == 0 else { return honest(file, request, ["ETag: \"a\""]) }
            let part = file[range.clamped(to: 0..<size)]
            let head = [
                "HTTP/1.1 206 Scripted", "Transfer-Encoding: chunked", "ETag: \"a\"",
                "Content-Range: bytes \(part.startIndex)-\(part.endIndex - 1)/\(size)", "", "",
            ]
            let chunk = Array("\(String(part.count, radix: 16))\r\n".utf8) + part + Array("\r\n".utf8)
            return [.send(head.joined(separator: "\r\n")), .bytes(chunk), .close]
        }
        let transport = testTransport()
        let result = transport.fetch(server.url("/x")) { $0.range = range }
        #expect(result.body == Array(file[range.clamped(to: 0..<size)]))
        let asked = "bytes=\(range.lowerBound)-\(range.upperBound - 1)"
        #expect(server.requests.map { $0.headers["range"] } == [asked, asked])
        #expect(transport.statistics.resumed == 0)
    }
}
