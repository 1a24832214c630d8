import Support
import Testing

@testable import Transport

/// The addresses that a redirect may lead to, whatever name resolves to them.
@Suite struct ReachTests {
    @Test(arguments: [
        "localhost", "localhost.", "a.localhost", "a.LOCALHOST.", "127.0.0.1", "127.0.0.1.", "127.1", "0x7f.1",
        "2130706433", "017700000001", "0.0.0.0", "0", "[::1]", "[::]", "[0:0:0:0:0:0:0:1]", "[::1%25lo]",
        "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::127.0.0.1]", "[::ffff:0.0.0.0]", "[64:ff9b::127.0.0.1]",
        "[::ffff:0:127.0.0.1]", "[2002:7f00:1::]", "[2001:0:1:2:3:4:80ff:fffe]", "224.0.0.1", "255.255.255.255",
        "240.0.0.1", "[ff02::1]",
    ])
    func thisMachine(_ host: String) { #expect(reach(host) == .machine) }

    @Test(arguments: [
        "169.254.169.254", "[::ffff:169.254.169.254]", "[fe80::1]", "[fe90::1]", "[febf::1%25eth0]", "[FE80::1]",
        "[64:ff9b::a9fe:a9fe]",
    ])
    func thisLink(_ host: String) { #expect(reach(host) == .link) }

    @Test(arguments: [
        "10.0.0.1", "10.255.255.255", "172.16.0.1", "172.31.255.255", "192.168.0.1", "100.64.0.1", "100.127.255.255",
        "198.18.0.1", "192.0.0.1", "[fc00::1]", "[fdff::1]", "[fec0::1]", "[::ffff:10.0.0.1]", "[::10.0.0.1]",
        "[64:ff9b::10.0.0.1]", "[64:ff9b:1::1]", "[2002:a00:1::]", "0xa.1",
    ])
    func thisSite(_ host: String) { #expect(reach(host) == .site) }

    @Test(arguments: [
        "9.255.255.255", "11.0.0.0", "172.15.255.255", "172.32.0.0", "192.167.255.255", "192.169.0.0", "100.63.255.255",
        "100.128.0.0", "128.0.0.1", "198.17.255.255", "198.20.0.0", "223.255.255.255", "[2001:db8::1]",
        "[::ffff:8.8.8.8]", "[fbff::1]", "[fe7f::1]", "[1::127.0.0.1]", "[2002:808:808::]", "[2607:f8b0::1]",
    ])
    func everywhere(_ host: String) { #expect(reach(host) == .world) }

    @Test(arguments: ["a.org", "a.org.", "localhost.org", "127.a.org", "169.254.a.org"])
    func aNameHasNoneByItself(_ host: String) { #expect(reach(host) == nil) }

    private func reach(_ host: String) -> Reach? { URLParts("http://\(host):8080/x").flatMap { Reach(host: $0.host) } }

    // MARK: Over sockets. 127.0.0.2 stands for an address of the internet.

    private static let world = "127.0.0.2"

    private func transport(_ addresses: [String] = [], proxy: String = "") -> Transport {
        testTransport {
            $0.reachOfAddress = { $0 == Self.world ? .world : Reach(address: $0) ?? .world }
            $0.addresses = addresses
            $0.proxy = proxy
        }
    }

    @Test func aNameOfThisMachineIsNotFollowedFromThePublicNet() {
        let inside = ScriptedServer { _ in reply("secret") }
        let target = "http://intranet.example:\(inside.port)/x"
        let outside = ScriptedServer(address: Self.world) { _ in reply("", status: 302, ["Location: \(target)"]) }
        let transport = self.transport([
            "intranet.example:\(inside.port):127.0.0.1", "public.example:\(outside.port):\(Self.world)",
        ])
        let error = transport.fetch("http://public.example:\(outside.port)/a").error
        #expect(error?.kind == .redirectRefused)
        #expect(error?.context.attempts == 1)
        #expect(
            error?.context.cause
                == "redirect from a public address to an address of this machine (intranet.example, 127.0.0.1); "
                + "only --endpoint can name a server there")
        // No connection was even opened.
        #expect(inside.connections == 0)
        // The user may ask for it. Then a connection is open, and the redirect must not use it either.
        #expect(transport.fetch(target).body == Array("secret".utf8))
        #expect(transport.fetch("http://public.example:\(outside.port)/a").kind == .redirectRefused)
        #expect(inside.requests.count == 1)
        #expect(inside.connections == 1)
    }

    @Test func anOriginOfThisMachineMaySendOnByName() {
        let second = ScriptedServer { _ in reply("there") }
        let target = "http://other.example:\(second.port)/x"
        let first = ScriptedServer { _ in reply("", status: 302, ["Location: \(target)"]) }
        let transport = self.transport(["other.example:\(second.port):127.0.0.1"])
        #expect(transport.fetch(first.url("/a")).body == Array("there".utf8))
    }

    @Test func anAddressThatIsPublicIsFollowedBesideOneThatIsNot() {
        let server = ScriptedServer(address: Self.world) { request in
            request.target == "/a" ? reply("", status: 302, ["Location: /b"]) : reply("there")
        }
        let transport = self.transport(["public.example:\(server.port):127.0.0.1,\(Self.world)"])
        // The first address refuses the connection: no process listens there.
        #expect(transport.fetch("http://public.example:\(server.port)/a").body == Array("there".utf8))
    }

    /// The proxy resolves the name, and has itself an address of this machine.
    @Test(arguments: [("http://10.0.0.1/x", false), ("http://a.localhost/x", false), ("http://b.example/x", true)])
    func behindAProxyTheNameIsJudged(_ target: String, _ isFollowed: Bool) {
        let proxy = ScriptedServer { request in
            request.target.hasPrefix("http://a.example/")
                ? reply("", status: 302, ["Location: \(target)"]) : reply("there")
        }
        let outcome = self.transport(proxy: proxy.url("")).fetch("http://a.example/a")
        #expect(outcome.body == (isFollowed ? Array("there".utf8) : nil))
        #expect(outcome.kind == (isFollowed ? nil : TransportError.Kind.redirectRefused))
        #expect(proxy.requests.count == (isFollowed ? 2 : 1))
    }
}

/// The proxy that the environment names.
@Suite struct ProxyChoiceTests {
    private let variables = [
        "http_proxy": "http://plain:1", "HTTPS_PROXY": "http://secure:2",
        "no_proxy": "intra.example, .lab.example,192.168.0.0/16 10.1.2.3,::1,2001:db8::/32",
    ]

    @Test(arguments: [
        ("http://a.org/", "http://plain:1"), ("https://a.org/", "http://secure:2"), ("http://intra.example/", nil),
        ("http://x.INTRA.example./", nil), ("http://xintra.example/", "http://plain:1"), ("http://lab.example/", nil),
        ("http://a.lab.example:8080/", nil), ("http://192.168.7.7/", nil), ("http://192.169.7.7/", "http://plain:1"),
        ("http://10.1.2.3/", nil), ("http://10.1.2.4/", "http://plain:1"), ("https://[::1]/", nil),
        ("https://[2001:db8:1::1]/", nil), ("https://[2001:db9::1]/", "http://secure:2"),
    ])
    func exceptionsAreAskedDirectly(_ url: String, _ proxy: String?) {
        #expect(ProxyChoice { variables[$0] }.proxy(forURL: url) == proxy)
    }

    @Test func aStarExceptsAllAndNothingIsNoProxy() {
        #expect(ProxyChoice { $0 == "NO_PROXY" ? "*" : "http://p" }.proxy(forURL: "http://a.org/") == "http://p")
        #expect(
            ProxyChoice { ["no_proxy": "*", "all_proxy": "http://p"][$0] }.proxy(forURL: "http://a.org/") == nil)
        #expect(ProxyChoice { ["ALL_PROXY": "http://p"][$0] }.proxy(forURL: "https://a.org/") == "http://p")
        #expect(ProxyChoice { ["HTTP_PROXY": "http://p"][$0] }.proxy(forURL: "http://a.org/") == nil)
        #expect(ProxyChoice { _ in "" }.proxy(forURL: "http://a.org/") == nil)
    }
}
