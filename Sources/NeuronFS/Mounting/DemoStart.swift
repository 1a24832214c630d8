import DemoOrigin
import Support

/// Starts the stand-in origin.
enum DemoStart {
    /// A running origin on 127.0.0.1, and its base URL.
    ///
    /// - Parameters:
    ///   - data: a directory of real files; nil serves the built-in world.
    ///   - port: 0 takes a free one.
    ///   - latency: seconds added to every reply.
    static func server(data: String?, port: UInt16 = 0, latency: Double = 0) throws(Failure) -> (
        server: DemoServer, url: String
    ) {
        do {
            let world = try data.map { try World.load(directory: $0) } ?? World.builtIn()
            let server = try DemoServer(world: world, port: port, options: DemoServer.Options(latency: latency))
            return (server, "http://127.0.0.1:\(try server.start())")
        } catch {
            let advice = port == 0 || !(error is DemoServerError) ? "" : "; --port 0 takes a free one"
            throw Failure(sentence: "cannot start the stand-in origin: \(error)\(advice)")
        }
    }
}
