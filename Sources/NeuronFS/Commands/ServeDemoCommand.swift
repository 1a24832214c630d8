import ArgumentParser
import Configuration
import DemoOrigin
import Glibc
import Support

struct ServeDemoCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve-demo", abstract: "Run the stand-in server of the demo alone, on 127.0.0.1.",
        discussion: "Prints its URL, then serves until Ctrl-C.")

    @Option(help: "TCP port; 0 takes a free one.")
    var port: UInt16 = 0

    @Option(help: ArgumentHelp("Serve real files laid out as in the Allen downloads.", valueName: "dir"))
    var data: String?

    @Option(help: ArgumentHelp("Seconds added to every reply.", valueName: "seconds"))
    var latency = 0.0

    mutating func validate() throws {
        guard (0...86_400).contains(latency) else { throw ValidationError("--latency is 0 to 86400 seconds") }
    }

    func run() throws {
        let signals = Signals.blockEnding()
        let (server, url) = try DemoStart.server(
            data: data.map { try Paths.absolute($0) }, port: port, latency: latency)
        Output.line(url)
        // Without its URL a server is of no use.
        try Output.check()
        signals.wait()
        server.stop()
    }
}
