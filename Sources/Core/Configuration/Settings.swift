import Logging
import Support

/// The settings of a mount, a property each. A new setting is one property here, its use (`settings.cacheSize`), and its line
/// in docs/CONFIGURATION.md. ConfigurationTests compares the document with these declarations. `make manual` writes the entries
/// of docs/neuronfs.1.
package struct Settings: Sendable {
    /// The base of the API. Only `neuronfs mount` has one to choose; the demo brings its own server.
    package static let endpoint = Setting(
        name: "endpoint", form: .text(name: "url"), help: "Base URL of the API.",
        defaultText: "https://api.brain-map.org", expected: "an http or https URL",
        fallback: Endpoint(url: "https://api.brain-map.org"), parse: { Endpoint(argument: $0) })

    package let source = Setting(
        name: "source", form: .sources(name: "source"),
        help: "What to show: allen, or folder:PATH for TIFFs and SWCs of your own. May be repeated.",
        defaultText: "allen", expected: "allen or folder:PATH", fallback: [SourceChoice.allen],
        parse: { SourceChoice.list($0) }, json: { .array($0.map { .string($0.text) }) })
    package let cacheDir = Setting.path(
        "cache-dir", .directory(name: "dir"), "Where blocks and the catalogue are kept.", expected: "a directory",
        default: "~/.cache/neuronfs")
    package let cacheSize = Setting.size(
        "cache-size", "Largest size of the block cache.", default: ByteCount(bytes: 50 << 30))
    package let cacheFree = Setting.size(
        "cache-free", "Space left free on the disk of the cache.", default: ByteCount(bytes: 1 << 30))
    package let offline = Setting.flag("offline", "Use only what is cached; all else fails at once.")
    package let labels = Setting(
        name: "labels", form: .word(name: "labels", words: MainLabels.allCases.map(\.rawValue)),
        help: "Variant of labels/: \(MainLabels.list).", defaultText: "classes", expected: "one of \(MainLabels.list)",
        fallback: MainLabels.classes, parse: { MainLabels(rawValue: $0) }, json: { .string($0.rawValue) })
    package let allowOther = Setting.flag(
        "allow-other", "Let other users read the mount (fuse.conf must say user_allow_other).")
    package let uid = Setting.identity(
        "uid", "Owner of the files; a mount by root may use this user's cache.", expected: "the number of a user",
        default: "you")
    package let gid = Setting.identity(
        "gid", "Group of the files.", expected: "the number of a group", default: "yours")
    package let timeout = Setting.seconds(
        "timeout", "Seconds after which a waiting reader gets an error.", in: 0.1...86_400, default: 60)
    package let maxConnections = Setting.count("max-connections", "Connections to one host.", in: 1...64, default: 8)
    package let allowHTTPRedirects = Setting.flag(
        "allow-http-redirects", "Follow redirects from https to http, where nothing is protected on the way.")
    package let readAhead = Setting.count(
        "read-ahead", "Tile rows, or mebibytes of a file, fetched ahead of a sequential reader.", in: 0...64,
        default: 4)
    package let logLevel = Setting(
        name: "log-level", form: .word(name: "level", words: ["debug", "info", "notice", "warning", "error"]),
        help: "Least severe messages of the log: debug, info, notice, warning or error.", defaultText: "notice",
        expected: "one of debug, info, notice, warning, error", fallback: "notice",
        parse: { Logger.Level(rawValue: $0.lowercased()) == nil ? nil : $0.lowercased() }, json: { .string($0) })
    package let logFile = Setting.path(
        "log-file", .file(name: "file"), "Log of a mount in the background.", expected: "a file",
        default: "neuronfs.log in the cache directory")
    package let foreground = Setting.flag(
        "foreground", "Stay in the foreground; Ctrl-C unmounts.", letter: "f", isShown: false)

    // The HTTP layer's patience. The defaults are those of Transport.TransportConfiguration, which gives the reasons.
    package let connectTimeout = Setting.seconds(
        "connect-timeout", "Longest time until a connection is made.", in: 0.001...86_400, default: 10, isHidden: true)
    package let firstByteTimeout = Setting.seconds(
        "first-byte-timeout", "Longest time until the head of a reply is complete.", in: 0.001...86_400, default: 30,
        isHidden: true)
    package let stallTimeout = Setting.seconds(
        "stall-timeout", "Longest time without a byte of the body.", in: 0.001...86_400, default: 20, isHidden: true)
    package let retries = Setting.count(
        "retries", "Attempts after the first.", in: 0...20, default: 3, isHidden: true)
    package let backoffBase = Setting.seconds(
        "backoff-base", "Scale of the pause before the second attempt.", in: 0.001...86_400, default: 0.5,
        isHidden: true)

    private init() {}

    /// The declarations.
    package static let ofMount = Settings()

    /// The settings that `mount` and `demo` share, in the order of the help.
    package static let shared: [any SettingDeclaration] = Mirror(reflecting: ofMount).children.compactMap {
        $0.value as? any SettingDeclaration
    }

    /// All settings.
    package static let all: [any SettingDeclaration] = [endpoint] + shared

    /// Whether a setting has a list of values.
    static func isList(_ name: String) -> Bool {
        shared.contains { setting in
            if case .sources = setting.form { setting.name == name } else { false }
        }
    }

    /// Names of all settings, as options spell them.
    package static let names = Set(all.map(\.name))
}
