import ArgumentParser
import Glibc
import Morphology
import Support

/// What `labels/` holds.
enum MainLabels: String, ExpressibleByArgument, CaseIterable {
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

/// Options shared by `mount` and `demo`.
struct MountSettings: ParsableArguments {
    @Option(help: ArgumentHelp("Where blocks and the catalogue are kept.", valueName: "dir"))
    var cacheDir: String?

    @Option(help: ArgumentHelp("Largest size of the block cache, for example 50G.", valueName: "size"))
    var cacheSize = ByteCount(bytes: 50 << 30)

    @Option(help: ArgumentHelp("Room left free on the cache's disk.", valueName: "size"))
    var cacheFree = ByteCount(bytes: 1 << 30)

    @Flag(help: "Use only what is cached; everything else fails at once.")
    var offline = false

    @Option(help: "What labels/ holds: \(MainLabels.allCases.map(\.rawValue).joined(separator: ", ")).")
    var labels = MainLabels.classes

    @Flag(help: "Let other users in (fuse.conf must say user_allow_other).")
    var allowOther = false

    @Option(help: "Owner of the files.")
    var uid: UInt32?

    @Option(help: "Group of the files.")
    var gid: UInt32?

    @Option(help: ArgumentHelp("Seconds a reader waits for the origin at most.", valueName: "seconds"))
    var timeout = 60.0

    @Option(help: ArgumentHelp("Connections to one host.", valueName: "n"))
    var maxConnections = 8

    @Option(
        help: ArgumentHelp(
            "How far a sequential reader is ahead of itself: tile rows, or mebibytes of a file.", valueName: "n"))
    var readAhead = 4

    @Option(help: ArgumentHelp("debug, info, notice, warning or error.", valueName: "level"))
    var logLevel = "notice"

    @Option(help: ArgumentHelp("Where the log goes when the mount is in the background.", valueName: "file"))
    var logFile: String?

    @Flag(name: [.customShort("f"), .long], help: "Stay in the foreground; Ctrl-C unmounts.")
    var foreground = false

    @Flag(help: .hidden)
    var reportReadiness = false

    mutating func validate() throws {
        guard timeout > 0, timeout <= 86_400 else { throw ValidationError("--timeout is 1 to 86400 seconds") }
        guard (1...64).contains(maxConnections) else { throw ValidationError("--max-connections is 1 to 64") }
        guard (0...64).contains(readAhead) else { throw ValidationError("--read-ahead is 0 to 64") }
        guard LogLevels.level(logLevel) != nil else {
            throw ValidationError("--log-level is one of debug, info, notice, warning, error")
        }
    }

    /// The cache directory: the option, else `$XDG_CACHE_HOME/neuronfs`, else `~/.cache/neuronfs`.
    ///
    /// - Parameter name: the last component, so that the demo does not mix with the real database.
    func cacheDirectory(name: String) throws(Failure) -> String {
        if let cacheDir { return Paths.absolute(cacheDir) }
        if let base = Paths.environment("XDG_CACHE_HOME"), base.hasPrefix("/") { return "\(base)/\(name)" }
        guard let home = Paths.environment("HOME"), home.hasPrefix("/") else {
            throw Failure(sentence: "HOME is not set: say where the cache is to be with --cache-dir", code: 2)
        }
        return "\(home)/.cache/\(name)"
    }
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
