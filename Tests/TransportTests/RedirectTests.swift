import Testing

@testable import Transport

@Suite struct RedirectTests {
    @Test(arguments: [301, 302, 303, 307, 308])
    func redirectIsFollowedWithItsRange(_ status: Int) {
        let file = pattern(100)
        let server = ScriptedServer { request in
            request.target == "/a" ? reply("moved", status: status, ["Location: /b?c=d"]) : honest(file, request)
        }
        let transport = testTransport()
        let response = transport.fetch(server.url("/a")) { $0.range = 10..<20 }.response
        #expect(response?.body == Array(file[10..<20]))
        #expect(response?.head.finalURL == server.url("/b?c=d"))
        #expect(response?.attempts == 1)
        #expect(server.requests.map(\.target) == ["/a", "/b?c=d"])
        #expect(transport.statistics.redirects == 1)
    }

    @Test func redirectLeadsToAnotherServer() {
        let second = ScriptedServer { _ in reply("there") }
        let target = second.url("/there")
        let first = ScriptedServer { _ in reply("", status: 302, ["Location: \(target)"]) }
        let transport = testTransport()
        #expect(transport.fetch(first.url("/a")).body == Array("there".utf8))
    }

    @Test func loopEndsAtOnce() {
        let server = ScriptedServer { request in
            reply("", status: 302, ["Location: \(request.target == "/a" ? "/b" : "/a")"])
        }
        let transport = testTransport()
        let error = transport.fetch(server.url("/a")).error
        #expect(error?.kind == .redirectRefused)
        #expect(error?.context.cause.contains("loop") == true)
        #expect(server.requests.count == 2)
    }

    @Test func chainIsBounded() {
        let server = ScriptedServer { request in reply("", status: 302, ["Location: /\(request.number)"]) }
        let transport = testTransport { $0.maximumRedirects = 3 }
        let error = transport.fetch(server.url("/a")).error
        #expect(error?.kind == .redirectRefused)
        #expect(server.requests.count == 4)
    }

    @Test func otherSchemesAreRefused() {
        for location in ["file:///etc/passwd", "ftp://127.0.0.1/x", "http://user:secret@127.0.0.1/"] {
            let server = ScriptedServer { _ in reply("", status: 302, ["Location: \(location)"]) }
            let transport = testTransport()
            #expect(transport.fetch(server.url("/a")).kind == .redirectRefused)
        }
    }

    @Test func failureBehindARedirectStartsAgainFromTheFirstURL() {
        let server = ScriptedServer { request in
            switch request.target {
            case "/a": reply("", status: 302, ["Location: /b"])
            default: request.number < 2 ? reply("no", status: 500) : reply("fine")
            }
        }
        let transport = testTransport()
        let response = transport.fetch(server.url("/a")).response
        #expect(response?.attempts == 2)
        #expect(server.requests.map(\.target) == ["/a", "/b", "/a", "/b"])
    }

    @Test(arguments: [
        ("https://a.org/x", "https://a.org/y", "https://a.org/y"),
        ("https://a.org/x", "https://b.org/y", "https://b.org/y"),
        ("http://a.org/x", "https://a.org/x", "https://a.org/x"),
        ("http://a.org/x", "http://b.org/x", "http://b.org/x"),
        // Only the scheme differs, so the request goes over https instead.
        ("https://a.org/x", "http://a.org/y?z=1", "https://a.org/y?z=1"),
        ("https://a.org/x", "http://a.org:80/y", "https://a.org/y"),
        ("https://a.org/x", "http://b.org/y", nil), ("https://a.org/x", "http://a.org:8080/y", nil),
        ("https://a.org:8443/x", "http://a.org/y", nil),
        ("https://a.org/x", "http://a.org/x", nil),
        ("https://a.org/x", "https://127.0.0.1/y", nil), ("http://a.org/x", "http://localhost/y", nil),
        ("http://a.org/x", "http://169.254.169.254/latest/meta-data", nil), ("http://a.org/x", "http://[::1]/", nil),
        ("http://a.org/x", "http://10.0.0.1/y", nil), ("http://a.org/x", "http://[::ffff:192.168.0.1]/y", nil),
        ("http://127.0.0.1:1/x", "http://127.0.0.1:2/y", "http://127.0.0.1:2/y"),
        ("http://127.0.0.1:1/x", "http://10.0.0.1/y", "http://10.0.0.1/y"),
        ("http://10.0.0.1/x", "http://192.168.0.1/y", "http://192.168.0.1/y"),
        ("http://10.0.0.1/x", "http://a.org/y", "http://a.org/y"), ("http://10.0.0.1/x", "http://127.0.0.1/y", nil),
        ("http://a.org/x", "gopher://a.org/x", nil), ("http://a.org/x", "http://u@a.org/x", nil),
    ])
    func policy(_ source: String, _ target: String, _ next: String?) throws {
        let host = try #require(URLParts(source)?.host)
        let decision = RedirectPolicy.decide(
            from: source, reach: Reach(host: host) ?? .world, to: target, visited: [source], limit: 5,
            allowDowngrade: false)
        if let next {
            #expect(decision == .follow(next))
        } else {
            guard case .refuse = decision else {
                Issue.record("\(decision)")
                return
            }
        }
    }

    @Test func downgradeIsFollowedWhenAllowed() {
        let decision = RedirectPolicy.decide(
            from: "https://a.org/x", reach: .world, to: "http://b.org/y", visited: ["https://a.org/x"], limit: 5,
            allowDowngrade: true)
        #expect(decision == .follow("http://b.org/y"))
    }
}
