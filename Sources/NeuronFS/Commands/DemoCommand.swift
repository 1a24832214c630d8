import ArgumentParser
import Configuration

struct DemoCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "demo",
        abstract: "Mount a small built-in stand-in database: no network, no account.",
        discussion: """
            The mount's process contains a stand-in server. The cells are generated; the paths, the files, and the HTTP
            between server and mount are those of the real database.
            """)

    @Argument(help: "An empty directory; made if it does not exist.", completion: .directory)
    var mountPoint = "celltypes"

    @Option(help: ArgumentHelp("Serve real files laid out as in the Allen downloads.", valueName: "dir"))
    var data: String?

    @OptionGroup var arguments: MountArguments

    func run() throws {
        let resolution = try arguments.resolution()
        let settings = try resolution.mountSettings()
        let path = try MountTable.absolute(mountPoint)
        let plan = MountPlan(
            path: path, origin: .demo(data: try data.map { try Paths.absolute($0) }),
            cacheDirectory: try resolution.cacheDirectory().path(isDemo: true), settings: settings,
            texts: resolution.texts, reportsReadiness: arguments.reportReadiness)
        try plan.run()
        guard !settings.foreground else { return }
        Output.line("mounted the demo on \(path)")
        Output.line("")
        Output.line("  ls \(path)/trainable/mouse")
        if let cell = try Folder.names("\(path)/trainable/mouse").first {
            Output.line("  neuronfs preview \(path)/trainable/mouse/\(cell) -o preview.png")
        }
        Output.line("  neuronfs umount \(path)")
    }
}
