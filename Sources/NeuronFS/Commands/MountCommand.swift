import ArgumentParser
import Configuration

struct MountCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "mount",
        abstract: "Mount the database on a directory.",
        discussion: """
            Returns with 0 when the mount is usable; else prints the reason in one sentence.

            Every option can also be set by an environment variable (--cache-size:
            NEURONFS_CACHE_SIZE) or in ~/.config/neuronfs/config.json
            ({"cache_size": "200G"}). The command line wins over the environment, the
            environment over the file.
            """)

    @Argument(help: "An empty directory; made if it does not exist.", completion: .directory)
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
        // A daemon gets it with the other settings.
        if let endpoint { resolution.options[Settings.endpoint.name] = endpoint }
        return resolution
    }
}
