import ArgumentParser
import Configuration
import Support

/// Options shared by `mount` and `demo`, as they are on the command line: texts, because the same texts may stand in the
/// environment, in a file and in `-o`, and are understood in one place (`Resolution`).
struct MountArguments: ParsableArguments {
    @Option(
        help: ArgumentHelp("Where blocks and the catalogue are kept. (default: ~/.cache/neuronfs)", valueName: "dir"),
        completion: .directory)
    var cacheDir: String?

    @Option(help: ArgumentHelp("Largest size of the block cache. (default: 50G)", valueName: "size"))
    var cacheSize: String?

    @Option(help: ArgumentHelp("Room left free on the cache's disk. (default: 1G)", valueName: "size"))
    var cacheFree: String?

    @Flag(inversion: .prefixedNo, help: "Use only what is cached; everything else fails at once.")
    var offline: Bool?

    @Option(
        help: "What labels/ holds: \(MainLabels.allCases.map(\.rawValue).joined(separator: ", ")). (default: classes)",
        completion: .list(MainLabels.allCases.map(\.rawValue)))
    var labels: String?

    @Flag(inversion: .prefixedNo, help: "Let other users in (fuse.conf must say user_allow_other).")
    var allowOther: Bool?

    @Option(help: ArgumentHelp("Owner of the files. (default: you)", valueName: "uid"))
    var uid: String?

    @Option(help: ArgumentHelp("Group of the files. (default: yours)", valueName: "gid"))
    var gid: String?

    @Option(help: ArgumentHelp("Seconds a reader waits for the origin at most. (default: 60)", valueName: "seconds"))
    var timeout: String?

    @Option(help: ArgumentHelp("Connections to one host. (default: 8)", valueName: "n"))
    var maxConnections: String?

    @Flag(
        name: .customLong(Settings.allowHTTPRedirects.name), inversion: .prefixedNo,
        help: "Follow redirects from https to http, where nothing is protected on the way.")
    var allowHTTPRedirects: Bool?

    @Option(
        help: ArgumentHelp(
            "How far a sequential reader is ahead of itself: tile rows, or mebibytes of a file. (default: 4)",
            valueName: "n"))
    var readAhead: String?

    @Option(
        help: ArgumentHelp("debug, info, notice, warning or error. (default: notice)", valueName: "level"),
        completion: .list(["debug", "info", "notice", "warning", "error"]))
    var logLevel: String?

    @Option(
        help: ArgumentHelp(
            "Where the log goes when the mount is in the background. (default: neuronfs.log in the cache's directory)",
            valueName: "file"),
        completion: .file())
    var logFile: String?

    @Flag(
        name: [.customShort("f"), .long], inversion: .prefixedNo, help: "Stay in the foreground; Ctrl-C unmounts.")
    var foreground: Bool?

    @Option(
        help: ArgumentHelp(
            "A file of options. (default: ~/.config/neuronfs/config.json)", valueName: "file"),
        completion: .file(extensions: ["json"]))
    var config: String?

    @Option(
        name: .customShort("o"),
        help: ArgumentHelp(
            "Options as mount(8) and fstab(5) write them: cache-size=20G,allow_other.", valueName: "list"))
    var mountOptions: [String] = []

    @Option(help: .hidden)
    var connectTimeout: String?

    @Option(help: .hidden)
    var firstByteTimeout: String?

    @Option(help: .hidden)
    var stallTimeout: String?

    @Option(help: .hidden)
    var retries: String?

    @Option(help: .hidden)
    var backoffBase: String?

    /// Said by the command that starts a daemon, which hands the settings over (`Handover`): no other place is looked at.
    @Flag(help: .hidden)
    var reportReadiness = false

    mutating func validate() throws {
        try Self.checking { () throws(ConfigurationError) in _ = try spoken().mountSettings() }
    }

    /// Runs `body`; what is wrong with the words of the command line is told as ArgumentParser tells such things.
    static func checking(_ body: () throws(ConfigurationError) -> Void) throws(ValidationError) {
        do throws(ConfigurationError) {
            try body()
        } catch {
            throw ValidationError(error.sentence)
        }
    }

    /// The words of the command line alone.
    func spoken() throws(ConfigurationError) -> Resolution {
        let words: [(String, String?)] = [
            (Settings.cacheDir.name, cacheDir), (Settings.cacheSize.name, cacheSize),
            (Settings.cacheFree.name, cacheFree),
            (Settings.offline.name, Self.text(offline)), (Settings.labels.name, labels),
            (Settings.allowOther.name, Self.text(allowOther)), (Settings.uid.name, uid), (Settings.gid.name, gid),
            (Settings.timeout.name, timeout), (Settings.maxConnections.name, maxConnections),
            (Settings.allowHTTPRedirects.name, Self.text(allowHTTPRedirects)),
            (Settings.readAhead.name, readAhead), (Settings.logLevel.name, logLevel), (Settings.logFile.name, logFile),
            (Settings.foreground.name, Self.text(foreground)), (Settings.connectTimeout.name, connectTimeout),
            (Settings.firstByteTimeout.name, firstByteTimeout), (Settings.stallTimeout.name, stallTimeout),
            (Settings.retries.name, retries), (Settings.backoffBase.name, backoffBase),
        ]
        var resolution = Resolution(readsEnvironment: false)
        resolution.mountOptions = try MountOptionList.parse(mountOptions)
        for case (let name, let text?) in words { resolution.options[name] = text }
        return resolution
    }

    /// The words of the command line with what stands behind them.
    func resolution() throws(ConfigurationError) -> Resolution {
        var resolution = try spoken()
        guard !reportReadiness else {
            resolution.options = try Handover.receive()
            return resolution
        }
        resolution.readsEnvironment = true
        resolution.file = try ConfigurationFile.load(given: config)
        return resolution
    }

    private static func text(_ flag: Bool?) -> String? { flag.map { $0 ? "true" : "false" } }
}
