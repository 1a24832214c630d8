import ArgumentParser

struct MountCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "mount",
        abstract: "Mount the database on a directory.",
        discussion: "Returns when the mount is usable, and then with 0; or says in one sentence why it is not.")

    @Argument(help: "An empty directory; made if it is not there.")
    var mountPoint: String

    @Option(help: ArgumentHelp("Base URL of the API.", valueName: "url"))
    var endpoint = "https://api.brain-map.org"

    @OptionGroup var settings: MountSettings

    mutating func validate() throws {
        guard endpoint.hasPrefix("https://") || endpoint.hasPrefix("http://") else {
            throw ValidationError("--endpoint is an http or https URL")
        }
        while endpoint.hasSuffix("/") { endpoint.removeLast() }
    }

    func run() throws {
        let cache = try settings.cacheDirectory(name: "neuronfs")
        let plan = MountPlan(
            path: MountTable.absolute(mountPoint), origin: .endpoint(endpoint), cacheDirectory: cache,
            settings: settings)
        try plan.run()
    }
}
