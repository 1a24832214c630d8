import Logging
import Support

/// One option of a mount: its name, what values it has, and the value it has when nobody says anything.
package struct Setting<Value: Sendable>: Sendable {
    /// `cache-size`: the option is `--cache-size`, the variable `NEURONFS_CACHE_SIZE`, the key of the file `cache_size`.
    package let name: String
    /// What a value is, to end the sentence "--cache-size is ...".
    package let expected: String
    /// The value without a word from anybody.
    package let fallback: Value
    /// The value that a text stands for; nil when it stands for none.
    package let parse: @Sendable (String) -> Value?
}

/// The options of a mount.
package enum Settings {
    /// Names of all settings, as options spell them.
    package static let names: Set<String> = [
        endpoint.name, cacheDir.name, cacheSize.name, cacheFree.name, offline.name, labels.name, allowOther.name,
        uid.name, gid.name, timeout.name, maxConnections.name, allowHTTPRedirects.name, readAhead.name, logLevel.name,
        logFile.name, foreground.name, connectTimeout.name, firstByteTimeout.name, stallTimeout.name, retries.name,
        backoffBase.name,
    ]

    package static let endpoint = Setting(
        name: "endpoint", expected: "an http or https URL", fallback: Endpoint(url: "https://api.brain-map.org"),
        parse: { Endpoint(argument: $0) })
    package static let cacheDir = optional("cache-dir", "a directory") { $0 }
    package static let cacheSize = size("cache-size", 50 << 30)
    package static let cacheFree = size("cache-free", 1 << 30)
    package static let offline = flag("offline")
    package static let labels = Setting(
        name: "labels", expected: "one of " + MainLabels.allCases.map(\.rawValue).joined(separator: ", "),
        fallback: MainLabels.classes, parse: { MainLabels(rawValue: $0) })
    package static let allowOther = flag("allow-other")
    package static let uid = optional("uid", "the number of a user") { UInt32($0) }
    package static let gid = optional("gid", "the number of a group") { UInt32($0) }
    package static let timeout = seconds("timeout", 0.1...86_400, 60)
    package static let maxConnections = count("max-connections", 1...64, 8)
    package static let allowHTTPRedirects = flag("allow-http-redirects")
    package static let readAhead = count("read-ahead", 0...64, 4)
    package static let logLevel = Setting(
        name: "log-level", expected: "one of debug, info, notice, warning, error", fallback: "notice",
        parse: { Logger.Level(rawValue: $0.lowercased()) == nil ? nil : $0.lowercased() })
    package static let logFile = optional("log-file", "a file") { $0 }
    package static let foreground = flag("foreground")

    // How patient the HTTP layer is. The values are those of Transport.TransportConfiguration, where they are reasoned.
    package static let connectTimeout = seconds("connect-timeout", 0.001...86_400, 10)
    package static let firstByteTimeout = seconds("first-byte-timeout", 0.001...86_400, 30)
    package static let stallTimeout = seconds("stall-timeout", 0.001...86_400, 20)
    package static let retries = count("retries", 0...20, 3)
    package static let backoffBase = seconds("backoff-base", 0.001...86_400, 0.5)

    private static func flag(_ name: String) -> Setting<Bool> {
        Setting(
            name: name, expected: "true or false", fallback: false,
            parse: { text in
                switch text.lowercased() {
                case "true", "yes", "on", "1": true
                case "false", "no", "off", "0": false
                default: nil
                }
            })
    }

    private static func optional<Value: Sendable>(
        _ name: String, _ expected: String, _ parse: @escaping @Sendable (String) -> Value?
    ) -> Setting<Value?> {
        Setting(
            name: name, expected: expected, fallback: nil,
            parse: { text in text.isEmpty ? nil : parse(text).map(Optional.some) })
    }

    private static func size(_ name: String, _ fallback: Int) -> Setting<ByteCount> {
        Setting(
            name: name, expected: "a size such as 500M or 50G", fallback: ByteCount(bytes: fallback),
            parse: { ByteCount(argument: $0) })
    }

    private static func seconds(_ name: String, _ range: ClosedRange<Double>, _ fallback: Double) -> Setting<Double> {
        Setting(
            name: name, expected: "\(short(range.lowerBound)) to \(short(range.upperBound)) seconds",
            fallback: fallback,
            parse: { text in Double(text).flatMap { range.contains($0) ? $0 : nil } })
    }

    private static func count(_ name: String, _ range: ClosedRange<Int>, _ fallback: Int) -> Setting<Int> {
        Setting(
            name: name, expected: "\(range.lowerBound) to \(range.upperBound)", fallback: fallback,
            parse: { text in Int(text).flatMap { range.contains($0) ? $0 : nil } })
    }

    private static func short(_ value: Double) -> String {
        value == value.rounded() ? String(Int(value)) : String(value)
    }
}
