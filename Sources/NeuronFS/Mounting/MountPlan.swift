import Configuration
import FolderSource
import Glibc
import Support

/// The plan of one mount: its place, its source, its settings. In the background it starts a daemon and waits for it. In the
/// foreground it is the daemon.
struct MountPlan {
    /// Where the data comes from.
    enum OriginChoice {
        /// An API over HTTP.
        case endpoint(Endpoint)
        /// The built-in stand-in, generated or over real files in a directory.
        case demo(data: String?)
    }

    var path: String
    var origin: OriginChoice
    var cacheDirectory: String
    var settings: MountSettings
    /// The texts of the settings, for the daemon.
    var texts: [String: String]
    /// Whether a command waits on descriptor 3 for the mount to come up.
    var reportsReadiness: Bool

    /// Seconds beyond the request timeout that a daemon may take to start.
    private static let startAllowance = 30.0

    func run() throws(Failure) {
        _ = try FolderChoices.locations(settings.source)
        guard !settings.foreground else { return try serve() }
        try prepare()
        try Launcher.start(
            arguments, settings: handedTexts, path: path, logFile: logFile, isLogChosen: settings.logFile != nil,
            seconds: settings.timeout + Self.startAllowance)
    }

    /// Prepares the mount point, then takes the rights of the cache directory's owner for files.
    private func prepare() throws(Failure) {
        try MountPoint.checkFuse(allowOther: settings.allowOther)
        let rights = try CacheRights.ofMount(directory: cacheDirectory, user: settings.uid)
        try MountPoint.prepare(path, creates: true)
        try CacheRights.telling(cacheDirectory) { () throws(Errno) in try rights?.takeForFiles() }
    }

    /// The log file of a daemon, absolute.
    var logFile: String { settings.logFile ?? "\(cacheDirectory)/neuronfs.log" }

    /// The daemon's command line. It names the verb and the mount point, so that `ps` shows which mount the process serves.
    private var arguments: [String] {
        let place: [String]
        switch origin {
        case .endpoint: place = ["mount", path]
        case .demo(let data): place = ["demo", path] + (data.map { ["--data", $0] } ?? [])
        }
        return place + ["--foreground", "--report-readiness"]
    }

    /// The texts of the settings for the daemon. Paths are absolute, because its working directory is another.
    private var handedTexts: [String: String] {
        var texts = texts
        texts[Settings.ofMount.cacheDir.name] = cacheDirectory
        texts[Settings.ofMount.logFile.name] = logFile
        texts[Settings.ofMount.source.name] = settings.source.map(\.text).joined(separator: "\n")
        texts[Settings.ofMount.foreground.name] = "true"
        return texts
    }

    /// Makes sure that the process may have the threads of a mount, by making as many and ending them. Libraries make some of
    /// them later. Of these, libdispatch (of Swift, below the catalogue) waits without end for a thread that it cannot have.
    private func checkRoomForThreads() throws(Failure) {
        // cache, transport, refresh, fetch-probe, three of FuseAdapter and its 8, two of libdispatch, libcurl's for a name.
        var count = 18 + MountDaemon.workerCount
        count += try FolderChoices.locations(settings.source).count * FolderSource.threadCount
        // The stand-in origin has 4 and runs on Swift's pool, which has one for each processor.
        if case .demo = origin { count += 4 + MountDaemon.workerCount }
        do throws(ThreadError) {
            try WorkerPool(name: "mount", count: count).shutdown()
        } catch {
            throw Failure(sentence: "\(error)")
        }
    }

    /// Runs the daemon. Returns when the mount has ended.
    private func serve() throws(Failure) {
        SyncRequest.block()
        let signals = Signals.blockEnding()
        DaemonSignals.apply()
        do throws(Failure) {
            let startGuard = try StartGuard(reportsReadiness: reportsReadiness)
            try checkRoomForThreads()
            try prepare()
            let daemon = try MountDaemon(plan: self, startGuard: startGuard)
            try daemon.run(signals) { if reportsReadiness { Readiness.report(.success(())) } }
        } catch {
            if reportsReadiness { Readiness.report(.failure(error)) }
            throw error
        }
    }
}
