import Glibc

/// The directory of blocks and catalogue, before it is known for which database it is.
package enum CacheDirectory: Equatable, Sendable {
    /// No place names a directory: it is below the user's cache directory.
    case standard
    /// Named for one mount, by `--cache-dir` or `-o`: exactly there.
    case exact(String)
    /// Named for all mounts, by the environment or the file. The demo goes beside it, so that generated cells do not mix with
    /// the real database.
    case general(String)

    /// The directory of a database: `$XDG_CACHE_HOME/neuronfs`, else `~/.cache/neuronfs`. For root without a home, as at boot,
    /// it is `/var/cache/neuronfs`. The demo's has `-demo` after it.
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
                throw ConfigurationError("HOME is not set: name the cache's directory with --cache-dir")
            }
            return "/var/cache/neuronfs\(suffix)"
        }
    }
}
