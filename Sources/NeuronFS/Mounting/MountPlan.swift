import Configuration
import Glibc
import Support

/// One mount: where, of what, how. In the background it starts a daemon and waits for it; in the foreground it is the
/// daemon.
struct MountPlan {
    /// Where the data comes from.
    enum OriginChoice {
        /// An API over HTTP.
        case endpoint(String)
        /// The built-in stand-in, generated or over real files in a directory.
        case demo(data: String?)
    }

    var path: String
    var origin: OriginChoice
    var cacheDirectory: String
    var settings: MountSettings

    /// Seconds a daemon may take beyond the request timeout to come up.
    private static let startAllowance = 30.0

    func run() throws(Failure) {
        guard !settings.foreground else { return try serve() }
        try MountPoint.checkFuse(allowOther: settings.allowOther)
        try MountPoint.prepare(path, creates: true)
        try Launcher.start(
            arguments, path: path, logFile: logFile,
            seconds: settings.timeout + Self.startAllowance)
    }

    /// Where a daemon's log goes, absolute.
    var logFile: String { settings.logFile ?? "\(cacheDirectory)/neuronfs.log" }

    /// The options of this plan for the daemon, paths absolute.
    private var arguments: [String] {
        var arguments: [String]
        switch origin {
        case .endpoint(let url): arguments = ["mount", path, "--endpoint", url]
        case .demo(let data): arguments = ["demo", path] + (data.map { ["--data", $0] } ?? [])
        }
        arguments += ["--foreground", "--report-readiness", "--cache-dir", cacheDirectory]
        arguments += [
            "--cache-size", String(settings.cacheSize.bytes), "--cache-free", String(settings.cacheFree.bytes),
        ]
        arguments += ["--labels", settings.labels.rawValue, "--timeout", String(settings.timeout)]
        arguments += ["--max-connections", String(settings.maxConnections), "--read-ahead", String(settings.readAhead)]
        arguments += ["--log-level", settings.logLevel, "--log-file", logFile]
        let tuning = settings.tuning
        arguments += ["--connect-timeout", String(tuning.connectTimeout)]
        arguments += ["--first-byte-timeout", String(tuning.firstByteTimeout)]
        arguments += ["--stall-timeout", String(tuning.stallTimeout), "--retries", String(tuning.retries)]
        arguments += ["--backoff-base", String(tuning.backoffBase)]
        if settings.offline { arguments.append("--offline") }
        if settings.allowHTTPRedirects { arguments.append("--allow-http-redirects") }
        if settings.allowOther { arguments.append("--allow-other") }
        if let uid = settings.uid { arguments += ["--uid", String(uid)] }
        if let gid = settings.gid { arguments += ["--gid", String(gid)] }
        return arguments
    }

    /// Is the daemon: returns when the mount has ended.
    private func serve() throws(Failure) {
        Signals.blockRefresh()
        let signals = Signals.blockEnding()
        do throws(Failure) {
            try MountPoint.checkFuse(allowOther: settings.allowOther)
            try MountPoint.prepare(path, creates: true)
            let daemon = try MountDaemon(plan: self, signals: signals)
            try daemon.run(signals) { if settings.reportReadiness { Readiness.report(.success(())) } }
        } catch {
            if settings.reportReadiness { Readiness.report(.failure(error)) }
            throw error
        }
    }
}
