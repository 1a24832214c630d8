import Testing

@testable import Transport

@Suite struct URLTests {
    @Test(arguments: [
        ("http://a.org/x", "http://a.org:80"), ("HTTPS://A.org", "https://a.org:443"),
        ("http://a.org:8080?q=1", "http://a.org:8080"), ("http://[::1]:99/x", "http://::1:99"),
    ])
    func originOfAURL(_ url: String, _ origin: String) { #expect(URLParts(url)?.origin == origin) }

    @Test func aHostLongerThanANameIsUnusable() {
        #expect(URLParts("http://\(String(repeating: "a", count: 255))/") != nil)
        #expect(URLParts("http://\(String(repeating: "a", count: 256))/") == nil)
    }

    @Test func credentialsGoToTheirOriginAlone() {
        let other = ScriptedServer { _ in reply("there") }
        let target = other.url("/b")
        let server = ScriptedServer { _ in reply("", status: 302, ["Location: \(target)"]) }
        let credentials = Credentials(url: server.url("/api"), user: "ada", password: "p:w@d")
        let transport = testTransport { $0.credentials = credentials }
        #expect(transport.fetch(server.url("/a")).body == Array("there".utf8))
        // `printf 'ada:p:w@d' | base64`
        #expect(server.requests.first?.headers["authorization"] == "Basic YWRhOnA6d0Bk")
        #expect(other.requests.count == 1)
        #expect(other.requests.first?.headers["authorization"] == nil)
        #expect(!"\(credentials)".contains("p:w@d") && !String(reflecting: credentials).contains("p:w@d"))
    }

    @Test(arguments: [
        "", "a.org/x", "ftp://a.org/", "http://", "http:///x", "http://a.org:0/", "http://a.org:99999/", "http://a b/",
        "http://u:p@a.org/", "http://a.org/\r\nX: y", "http://[::1", "http://a.org:x/", "http://é.org/",
        "http://%6cocalhost/",
    ])
    func unusableURLs(_ url: String) {
        #expect(URLParts(url) == nil)
        let transport = testTransport()
        #expect(transport.fetch(url).kind == .invalidRequest)
    }

    @Test func unusableRanges() {
        let transport = testTransport()
        #expect(transport.fetch("http://127.0.0.1:1/") { $0.range = 5..<5 }.kind == .invalidRequest)
        #expect(transport.fetch("http://127.0.0.1:1/") { $0.range = -5..<5 }.kind == .invalidRequest)
    }

    @Test(arguments: [
        ("https://a.org/x?y=1#z", "https://a.org/x?y=1#z"), ("https://ada:secret@a.org/x", "https://a.org/x"),
        ("https://ada:p@ss@a.org?x=@y", "https://a.org?x=@y"), ("https://a.org/@home", "https://a.org/@home"),
        ("ada:secret@a.org", "a.org"), ("http://a.org/\u{1B}[2J\r\n x", "http://a.org/%1B[2J%0D%0A%20x"),
        ("http://a.org/\u{E9}", "http://a.org/%C3%A9"), ("", ""),
    ])
    func urlIsShownOnOneLineWithoutSecrets(_ url: String, _ shown: String) {
        #expect(URLText.shown(url) == shown)
    }

    @Test func aLongURLIsCut() {
        let shown = URLText.shown("http://a.org/" + String(repeating: "\u{1B}", count: 10_000))
        #expect(shown.hasSuffix("%1B..."))
        #expect(shown.utf8.count < 310)
    }

    @Test func anErrorNamesTheURLAsked() {
        let server = ScriptedServer { request in
            request.target == "/a" ? reply("", status: 302, ["Location: /b"]) : reply("", status: 404)
        }
        let text = testTransport().fetch(server.url("/a")).error?.description
        #expect(text == "host 127.0.0.1: HTTP status 404 after 1 attempt (\(server.url("/a")))")
        let refused = testTransport().fetch("http://ada:secret@127.0.0.1/x").error?.description
        #expect(refused == "host unknown: unusable URL (http://127.0.0.1/x)")
    }
}
