import Glibc
import Support

/// Finds the value of each setting: an option, else the same in `-o`, else the environment, else the file, else the default.
package struct Resolution: Sendable {
    /// The words of the command line, by the option's name.
    package var options: [String: String] = [:]
    /// The words of `-o`.
    package var mountOptions: [String: String] = [:]
    /// Whether the environment counts.
    package var readsEnvironment = true
    /// The user's file.
    package var file = ConfigurationFile.none

    /// Looks into `file` and, if told so, the environment; options are filled in afterwards.
    package init(readsEnvironment: Bool = true, file: ConfigurationFile = .none) {
        self.readsEnvironment = readsEnvironment
        self.file = file
    }

    /// Where a text stands.
    package enum Place {
        case option, mountOption, environment, file(String)

        /// "--cache-size", "NEURONFS_CACHE_SIZE", "cache_size" in a file.
        package func naming(_ name: String) -> String {
            switch self {
            case .option: "--\(name)"
            case .mountOption: "-o \(name)"
            case .environment: Resolution.variable(name)
            case .file(let path): "\"\(name.replacing("-", with: "_"))\" in \(path)"
            }
        }
    }

    /// `NEURONFS_CACHE_SIZE` for `cache-size`.
    package static func variable(_ name: String) -> String { "NEURONFS_" + name.uppercased().replacing("-", with: "_") }

    /// The text given for the setting `name`, from the place that goes before the others.
    package func text(_ name: String) -> (text: String, place: Place)? {
        if let text = options[name] { return (text, .option) }
        if let text = mountOptions[name] { return (text, .mountOption) }
        if readsEnvironment, let text = Paths.environment(Self.variable(name)) { return (text, .environment) }
        if let text = file.values[name] { return (text, .file(file.path ?? "the configuration")) }
        return nil
    }

    /// The texts of all settings that have one, by the option's name: what a daemon is given, which looks nowhere else.
    package var texts: [String: String] {
        var texts: [String: String] = [:]
        for name in Settings.names { texts[name] = text(name)?.text }
        return texts
    }

    /// The value of `setting`.
    ///
    /// - Throws: a sentence naming the place of a text that is no value.
    package func value<Value>(_ setting: Setting<Value>) throws(ConfigurationError) -> Value {
        guard let (text, place) = text(setting.name) else { return setting.fallback }
        guard let value = setting.parse(text) else {
            // A URL that is none may hold a password all the same.
            let shown = text.contains("@") ? "what was given, which is not shown" : "\"\(text)\""
            throw ConfigurationError("\(place.naming(setting.name)) is \(setting.expected), not \(shown)")
        }
        return value
    }

    /// A path, absolute. One in a file is taken from nobody's working directory: it begins with `/` or `~/`.
    func path(_ setting: Setting<String?>) throws(ConfigurationError) -> String? {
        guard let path = try value(setting) else { return nil }
        guard case .file = text(setting.name)?.place, !path.hasPrefix("/") else { return try Paths.absolute(path) }
        guard path.hasPrefix("~/"), let home = Paths.environment("HOME") else {
            let place = text(setting.name)?.place.naming(setting.name) ?? setting.name
            throw ConfigurationError("\(place) is a path from / or ~/, not \"\(path)\"")
        }
        return home + path.dropFirst()
    }

    /// The cache directory that somebody named, and whether it was for every mount (environment, file) or for this one.
    package func cacheDirectory() throws(ConfigurationError) -> CacheDirectory {
        guard let path = try path(Settings.cacheDir) else { return .standard }
        switch text(Settings.cacheDir.name)?.place {
        case .environment, .file: return .general(path)
        default: return .exact(path)
        }
    }

    /// All settings of a mount.
    package func mountSettings() throws(ConfigurationError) -> MountSettings {
        MountSettings(
            cacheDirectory: try cacheDirectory(), cacheSize: try value(Settings.cacheSize),
            cacheFree: try value(Settings.cacheFree), offline: try value(Settings.offline),
            labels: try value(Settings.labels), allowOther: try value(Settings.allowOther),
            uid: try value(Settings.uid), gid: try value(Settings.gid), timeout: try value(Settings.timeout),
            maxConnections: try value(Settings.maxConnections),
            allowHTTPRedirects: try value(Settings.allowHTTPRedirects), readAhead: try value(Settings.readAhead),
            logLevel: try value(Settings.logLevel), logFile: try path(Settings.logFile),
            foreground: try value(Settings.foreground),
            tuning: TransportTuning(
                connectTimeout: try value(Settings.connectTimeout),
                firstByteTimeout: try value(Settings.firstByteTimeout),
                stallTimeout: try value(Settings.stallTimeout), retries: try value(Settings.retries),
                backoffBase: try value(Settings.backoffBase)))
    }
}

/// Where the blocks and the catalogue are kept.
package enum CacheDirectory: Equatable, Sendable {
    /// Nobody said: below the user's cache directory.
    case standard
    /// Said for one mount: exactly there.
    case exact(String)
    /// Said for all mounts. The demo goes beside it, so that it does not mix with the real database.
    case general(String)

    /// The directory of a database: `$XDG_CACHE_HOME/neuronfs`, else `~/.cache/neuronfs`, and for root without a home, as
    /// at boot, `/var/cache/neuronfs`; with `-demo` for the demo.
    package func path(isDemo: Bool) throws(ConfigurationError) -> String {
        let suffix = isDemo ? "-demo" : ""
        switch self {
        case .exact(let path): return path
        case .general(let path): return path + suffix
        case .standard:
            if let base = Paths.environment("XDG_CACHE_HOME"), base.hasPrefix("/") {
                return "\(base)/neuronfs\(suffix)"
            }
            if let home = Paths.environment("HOME"), home.hasPrefix("/") { return "\(home)/.cache/neuronfs\(suffix)" }
            guard geteuid() == 0 else {
                throw ConfigurationError("HOME is not set: say where the cache is to be with --cache-dir")
            }
            return "/var/cache/neuronfs\(suffix)"
        }
    }
}
