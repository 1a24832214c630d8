import ArgumentParser
import Configuration

struct MountCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "mount",
        abstract: "Mount the database on a directory.",
        discussion: """
            Returns when the mount is usable, and then with 0; or says in one sentence why it is not.

            Every option can also be an environment variable (--cache-size: NEURONFS_CACHE_SIZE) or stand in
            ~/.config/neuronfs/config.json ({"cache_size": "200G"}). The command line goes before the environment, the
            environment before the file.
            """)

    @Argument(help: "An empty directory; made if it is not there.", completion: .directory)
    var mountPoint: String

    @Option(Settings.endpoint)
    var endpoint: String?

    @OptionGroup var arguments: MountArguments

    mutating func validate() throws {
        try MountArguments.checking { () throws(ConfigurationError) in
            _ = try adding(endpoint, to: arguments.given()).value(Settings.endpoint)
        }
    }

    func run() throws {
        let resolution = try adding(endpoint, to: arguments.resolution())
        let settings = try resolution.mountSettings()
        let plan = MountPlan(
            path: try MountTable.absolute(mountPoint), origin: .endpoint(try resolution.value(Settings.endpoint)),
            cacheDirectory: try resolution.cacheDirectory().path(isDemo: false), settings: settings,
            texts: resolution.texts, reportsReadiness: arguments.reportReadiness)
        try plan.run()
    }

    private func adding(_ endpoint: String?, to resolution: Resolution) -> Resolution {
        var resolution = resolution
        // A daemon's comes with the other settings.
        if let endpoint { resolution.options[Settings.endpoint.name] = endpoint }
        return resolution
    }
}
