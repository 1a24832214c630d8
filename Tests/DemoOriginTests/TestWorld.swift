import Support

@testable import DemoOrigin

/// The built-in world, created once, with short functions to query it.
enum TestWorld {
    static let world = World.builtIn()
    static let router = Router(world: world)

    static func get(
        _ target: String, method: String = "GET", headers: [String: String] = [:], router: Router = router
    ) -> Reply {
        router.reply(to: Request(method: method, target: target, headers: headers))
    }

    /// The text of an RMA reply. The query is percent-encoded as AllenSDK does it.
    static func query(_ text: String, form: String = "q", router: Router = router) -> String {
        String(decoding: get("/api/v2/data/query.json?\(form)=" + quoted(text), router: router).bytes, as: UTF8.self)
    }

    static func rows(_ text: String, router: Router = router) throws -> [JSONValue] {
        try JSONValue.parse(query(text, router: router))["msg"]?.arrayValue ?? []
    }

    /// Python's `requests.utils.quote(url, ';/?:@&=+$,')`.
    static func quoted(_ text: String) -> String {
        text.utf8.map { byte in
            let scalar = Unicode.Scalar(byte)
            let isSafe =
                scalar.properties.isAlphabetic || (0x30...0x39).contains(byte) || "_.-~;/?:@&=+$,".utf8.contains(byte)
            let digits = String(byte, radix: 16, uppercase: true)
            return isSafe && byte < 0x80 ? String(scalar) : "%" + (digits.count < 2 ? "0" + digits : digits)
        }.joined()
    }

    static func cell(_ specimen: Int) -> Cell {
        guard let cell = world.cell(specimen: specimen) else { fatalError("no cell \(specimen)") }
        return cell
    }
}
