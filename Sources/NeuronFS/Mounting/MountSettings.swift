import ArgumentParser
import Glibc
import Morphology
import Support

/// What `labels/` holds.
enum MainLabels: String, CaseIterable, Sendable {
    case classes, classes3, binary

    var variant: LabelVariant {
        switch self {
        case .classes: .classes
        case .classes3: .classes3
        case .binary: .binary
        }
    }
}

/// A number of bytes: `500M`, `50G`, `1T`, or plain.
struct ByteCount: ExpressibleByArgument, Sendable {
    var bytes: Int

    init(bytes: Int) { self.bytes = bytes }

    init?(argument: String) {
        let units: [Character: Int] = ["K": 10, "M": 20, "G": 30, "T": 40]
        let suffix = argument.last.flatMap { units[Character($0.uppercased())] }
        guard let value = Double(suffix == nil ? argument : String(argument.dropLast())), value >= 0, value.isFinite
        else { return nil }
        let bytes = value * Double(1 << (suffix ?? 0))
        guard bytes < 9e18 else { return nil }
        self.bytes = Int(bytes)
    }
}

/// What is settled about a mount, wherever it was said (`Resolution`).
struct MountSettings: Sendable {
    /// Where blocks and the catalogue are kept.
    var cacheDirectory: CacheDirectory
    /// Largest size of the block cache.
    var cacheSize: ByteCount
    /// Room left free on the cache's disk.
    var cacheFree: ByteCount
    /// Whether only what is cached is used.
    var offline: Bool
    var labels: MainLabels
    /// Whether other users may look in.
    var allowOther: Bool
    /// Owner of the files; the user's own without it.
    var uid: UInt32?
    var gid: UInt32?
    /// Seconds a reader waits for the origin at most.
    var timeout: Double
    /// Connections to one host.
    var maxConnections: Int
    /// How far a sequential reader is ahead of itself: tile rows, or mebibytes of a file.
    var readAhead: Int
    var logLevel: String
    /// The log of a mount in the background, absolute.
    var logFile: String?
    var foreground: Bool
    /// Whether a command waits on descriptor 3 for the mount to come up.
    var reportReadiness = false
    var tuning: TransportTuning
}

/// How patient the HTTP layer is. Durations in seconds; see `TransportConfiguration`.
struct TransportTuning: Equatable, Sendable {
    var connectTimeout: Double
    var firstByteTimeout: Double
    var stallTimeout: Double
    /// Tries after the first.
    var retries: Int
    /// Scale of the pause before the second try.
    var backoffBase: Double
}

/// Paths and the environment.
enum Paths {
    static func environment(_ name: String) -> String? {
        guard let value = unsafe getenv(name) else { return nil }
        let text = unsafe String(cString: value)
        return text.isEmpty ? nil : text
    }

    /// `path` from the root, without asking whether it is there.
    static func absolute(_ path: String) -> String {
        guard !path.hasPrefix("/") else { return path }
        guard let directory = unsafe getcwd(nil, 0) else { return path }
        defer { unsafe free(directory) }
        return unsafe String(cString: directory) + "/" + path
    }
}
