import Glibc
package import Morphology
import Support

/// What `labels/` holds.
package enum MainLabels: String, CaseIterable, Sendable {
    case classes, classes3, binary

    /// The variant that a folder of this name holds.
    package var variant: LabelVariant {
        switch self {
        case .classes: .classes
        case .classes3: .classes3
        case .binary: .binary
        }
    }
}

/// A number of bytes: `500M`, `50G`, `1T`, or plain.
package struct ByteCount: Sendable {
    /// Never negative.
    package var bytes: Int

    /// A number of bytes.
    package init(bytes: Int) { self.bytes = bytes }

    /// The number that `argument` stands for; nil if none.
    package init?(argument: String) {
        let units = ["K": 10, "M": 20, "G": 30, "T": 40]
        let suffix = argument.last.flatMap { units[$0.uppercased()] }
        guard let value = Double(suffix == nil ? argument : String(argument.dropLast())), value >= 0, value.isFinite
        else { return nil }
        let bytes = value * Double(1 << (suffix ?? 0))
        guard bytes < 9e18 else { return nil }
        self.bytes = Int(bytes)
    }
}

/// What is settled about a mount, wherever it was said (`Resolution`).
package struct MountSettings: Sendable {
    /// Where blocks and the catalogue are kept.
    package var cacheDirectory: CacheDirectory
    /// Largest size of the block cache.
    package var cacheSize: ByteCount
    /// Room left free on the cache's disk.
    package var cacheFree: ByteCount
    /// Whether only what is cached is used.
    package var offline: Bool
    package var labels: MainLabels
    /// Whether other users may look in.
    package var allowOther: Bool
    /// Owner of the files; the user's own without it.
    package var uid: UInt32?
    package var gid: UInt32?
    /// Seconds a reader waits for the origin at most.
    package var timeout: Double
    /// Connections to one host.
    package var maxConnections: Int
    /// Whether an origin asked over https may send us on to http, where nothing is protected.
    package var allowHTTPRedirects: Bool
    /// How far a sequential reader is ahead of itself: tile rows, or mebibytes of a file.
    package var readAhead: Int
    package var logLevel: String
    /// The log of a mount in the background, absolute.
    package var logFile: String?
    package var foreground: Bool
    /// Whether a command waits on descriptor 3 for the mount to come up.
    package var reportReadiness = false
    package var tuning: TransportTuning
}

/// How patient the HTTP layer is. Durations in seconds; see `TransportConfiguration`.
package struct TransportTuning: Equatable, Sendable {
    package var connectTimeout: Double
    package var firstByteTimeout: Double
    package var stallTimeout: Double
    /// Tries after the first.
    package var retries: Int
    /// Scale of the pause before the second try.
    package var backoffBase: Double
}

/// Paths and the environment.
package enum Paths {
    /// The value of a variable; nil when it is absent or empty.
    package static func environment(_ name: String) -> String? {
        guard let value = unsafe getenv(name) else { return nil }
        let text = unsafe String(cString: value)
        return text.isEmpty ? nil : text
    }

    /// `path` from the root, without asking whether it is there.
    ///
    /// - Throws: for a relative path, when the working directory is gone or its name is not UTF-8.
    package static func absolute(_ path: String) throws(ConfigurationError) -> String {
        guard !path.hasPrefix("/") else { return path }
        let directory = unsafe getcwd(nil, 0)
        defer { unsafe free(directory) }
        guard let directory = unsafe directory else {
            throw ConfigurationError("cannot look up \(path): the working directory is gone")
        }
        guard let text = unsafe String(validatingCString: directory) else {
            throw ConfigurationError(
                "cannot look up \(path): the name of the working directory is not UTF-8, which all names of neuronfs are"
            )
        }
        return text + "/" + path
    }
}
