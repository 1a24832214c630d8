import Support
import Testing

@testable import Configuration

/// What words mean, and where they may stand. How the program behaves with them is tested by Tests/MountTests.
@Suite struct ConfigurationTests {
    private func file(_ text: String) throws(ConfigurationError) -> ConfigurationFile {
        try ConfigurationFile.parse(Array(text.utf8), path: "/etc/c.json")
    }

    private func sentence(_ body: () throws(ConfigurationError) -> Void) -> String {
        do throws(ConfigurationError) {
            try body()
            return ""
        } catch {
            return error.sentence
        }
    }

    @Test func membersAreOptionsInEitherSpelling() throws {
        let file = try file(#"{"cache_size": "20G", "read-ahead": 8, "offline": true, "uid": null}"#)
        #expect(file.values == ["cache-size": "20G", "read-ahead": "8", "offline": "true"])
    }

    @Test(arguments: [
        ("[1]", "no JSON object"), (#"{"cache_siez": 1}"#, "there is no such option"), ("{", "/etc/c.json"),
        (#"{"cache_size": [1]}"#, "a list or an object"), ("", "/etc/c.json"),
    ])
    func aFileThatCannotBeFollowedIsRefused(_ text: String, _ reason: String) {
        let told = sentence { () throws(ConfigurationError) in _ = try file(text) }
        #expect(told.contains(reason) && told.contains("/etc/c.json"))
    }

    @Test func whatIsSaidNearerGoesBefore() throws {
        var resolution = Resolution(readsEnvironment: false, file: try file(#"{"timeout": 7, "read_ahead": 1}"#))
        resolution.mountOptions = try MountOptionList.parse(["timeout=8,nodev,x-systemd.automount"])
        #expect(try resolution.value(Settings.ofMount.timeout) == 8)
        #expect(try resolution.value(Settings.ofMount.readAhead) == 1)
        resolution.options["timeout"] = "9"
        #expect(try resolution.value(Settings.ofMount.timeout) == 9)
        #expect(try resolution.value(Settings.ofMount.retries) == 3)
    }

    @Test func aValueThatIsNoneNamesItsPlace() throws {
        var resolution = Resolution(readsEnvironment: false, file: try file(#"{"timeout": "soon"}"#))
        let told = sentence { () throws(ConfigurationError) in _ = try resolution.mountSettings() }
        #expect(told == #""timeout" in /etc/c.json is 0.1 to 86400 seconds, not "soon""#)
        resolution.options["timeout"] = "nan"
        #expect(
            sentence { () throws(ConfigurationError) in _ = try resolution.mountSettings() }.hasPrefix("--timeout is"))
    }

    @Test func sourcesAreAListInEveryPlace() throws {
        #expect(try Resolution(readsEnvironment: false).value(Settings.ofMount.source) == [.allen])
        var resolution = Resolution(
            readsEnvironment: false, file: try file(#"{"source": ["allen", "folder:/data/mine,name=a b"]}"#))
        #expect(try resolution.value(Settings.ofMount.source) == [.allen, .folder("/data/mine,name=a b")])
        resolution.mountOptions = try MountOptionList.parse([#"source=folder:/x\,name=y,offline"#, "source=allen"])
        #expect(try resolution.value(Settings.ofMount.source) == [.folder("/x,name=y"), .allen])
        resolution.options["source"] = "folder:relative"
        guard case .folder(let path) = try resolution.value(Settings.ofMount.source)[0] else { return }
        #expect(path.hasPrefix("/") && path.hasSuffix("/relative"))
    }

    @Test(arguments: ["", "alle", "folder:", "allen\nallen", "folder:/x\nother"])
    func aTextThatNamesNoSourcesIsRefused(_ text: String) {
        var resolution = Resolution(readsEnvironment: false)
        resolution.options["source"] = text
        let told = sentence { () throws(ConfigurationError) in _ = try resolution.mountSettings() }
        #expect(told == "--source is allen or folder:PATH, not \"\(text)\"")
    }

    @Test func aRelativePathInAFileIsNoSource() throws {
        let resolution = Resolution(readsEnvironment: false, file: try file(#"{"source": "folder:mine"}"#))
        let told = sentence { () throws(ConfigurationError) in _ = try resolution.mountSettings() }
        #expect(told == #""source" in /etc/c.json has a path from /, not "folder:mine""#)
    }

    @Test func commasCanBelongToAValue() throws {
        #expect(try MountOptionList.parse([#"log-file=/a\,b,offline"#]) == ["log-file": "/a,b", "offline": "true"])
        #expect(
            sentence { () throws(ConfigurationError) in _ = try MountOptionList.parse(["cache-siez=1"]) }
                .contains("no option is called cache-siez"))
    }

    @Test(arguments: [("500", 500), ("1k", 1024), ("1.5M", 3 << 19), ("50G", 50 << 30), ("0", 0)])
    func sizesHaveUnits(_ text: String, _ bytes: Int) { #expect(ByteCount(argument: text)?.bytes == bytes) }

    @Test(arguments: ["", "G", "-1", "1X", "nan", "inf", "1e30", "99999999T"])
    func whatIsNoSizeIsRefused(_ text: String) { #expect(ByteCount(argument: text) == nil) }

    @Test(arguments: [
        ("https://a.org/", Endpoint(url: "https://a.org")), ("http://a.org/api//", Endpoint(url: "http://a.org/api")),
        ("https://ada:s%40crt%3A@a.org:8/x", Endpoint(url: "https://a.org:8/x", user: "ada", password: "s@crt:")),
        ("https://ada@a.org", Endpoint(url: "https://a.org", user: "ada", password: "")),
        ("https://a:b@c@a.org", Endpoint(url: "https://a.org", user: "a", password: "b@c")),
        ("https://a.org/@x", Endpoint(url: "https://a.org/@x")),
    ])
    func anEndpointIsKeptApartFromItsPassword(_ text: String, _ endpoint: Endpoint) {
        #expect(Endpoint(argument: text) == endpoint)
    }

    @Test(arguments: [
        "", "a.org", "ftp://a.org", "ada:secret@a.org", "https://ada:%GG@a.org", "https://ada:%f@a.org", "https://",
        "https://ada:secret@/",
    ])
    func whatIsNoEndpointIsRefusedWithoutItsPassword(_ text: String) {
        var resolution = Resolution(readsEnvironment: false)
        resolution.options["endpoint"] = text
        let told = sentence { () throws(ConfigurationError) in _ = try resolution.value(Settings.endpoint) }
        #expect(told.hasPrefix("--endpoint is an http or https URL, not "))
        #expect(!told.contains("secret") && !told.contains("%"))
    }

    @Test func aDaemonIsGivenWhatWasSaidWherever() throws {
        var resolution = Resolution(readsEnvironment: false, file: try file(#"{"timeout": 7, "retries": 1}"#))
        resolution.mountOptions = ["timeout": "8"]
        resolution.options = ["endpoint": "https://ada:secret@a.org", "offline": "true"]
        let texts = resolution.texts
        #expect(
            texts == [
                "timeout": "8", "retries": "1", "endpoint": "https://ada:secret@a.org", "offline": "true",
            ])
        var daemon = Resolution(readsEnvironment: false)
        daemon.options = texts
        #expect(try daemon.mountSettings().timeout == 8)
        #expect(try daemon.value(Settings.endpoint).password == "secret")
    }

    @Test func everyPropertyOfTheDeclarationsIsASetting() {
        #expect(Settings.shared.count == Mirror(reflecting: Settings.ofMount).children.count)
        #expect(Settings.names.count == Settings.all.count, "two settings have one name")
        for setting in Settings.all {
            #expect(setting.help.hasSuffix("."), "\(setting.name)")
            #expect(setting.variable == "NEURONFS_" + setting.name.uppercased().replacing("-", with: "_"))
        }
    }

    /// A password may be given for the wrong option: no refusal quotes it.
    @Test func noRefusalQuotesAPassword() {
        for setting in Settings.all where !setting.accepts("ada:secret@a.org") {
            for place in [\Resolution.options, \Resolution.mountOptions] {
                var resolution = Resolution(readsEnvironment: false)
                resolution[keyPath: place] = [setting.name: "ada:secret@a.org"]
                let told = sentence { () throws(ConfigurationError) in _ = try resolution.acceptedText(setting) }
                #expect(told.contains("\(setting.name) is \(setting.expected)") && !told.contains("secret"))
            }
        }
    }

    @Test func aMountShowsItsSettings() throws {
        var resolution = Resolution(readsEnvironment: false)
        resolution.options = ["cache-size": "1K", "timeout": "7", "log-file": "x.log", "labels": "binary", "uid": "1"]
        let settings = try resolution.mountSettings()
        #expect(settings.logFile?.hasSuffix("/x.log") == true && settings.logFile?.hasPrefix("/") == true)
        #expect(settings.uid == 1 && settings.gid == nil)
        let members = settings.members
        #expect(
            members.members.map(\.key) == [
                "source", "cache_size_bytes", "cache_free_bytes", "offline", "labels", "allow_other", "timeout_seconds",
                "max_connections", "allow_http_redirects", "read_ahead", "log_level", "connect_timeout_seconds",
                "first_byte_timeout_seconds", "stall_timeout_seconds", "retries", "backoff_base_seconds",
            ])
        #expect(members["cache_size_bytes"] == .int(1024) && members["timeout_seconds"] == .double(7))
        #expect(members["labels"] == .string("binary") && members["offline"] == .bool(false))
    }

    @Test func sizesAreWrittenInTheirLargestUnit() {
        #expect(
            [0, 1000, 1 << 20, 3 << 19, 50 << 30].map { ByteCount(bytes: $0).text } == [
                "0", "1000", "1M", "1536K", "50G",
            ])
    }
}
