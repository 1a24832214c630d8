import Support

/// The served paths of api.brain-map.org, and the service that answers each.
struct Router: Sendable {
    let world: World
    private let engine: RMAEngine
    private let files: FileService
    private let images: ImageService

    init(world: World) {
        self.world = world
        engine = RMAEngine(database: WorldDatabase(world: world))
        files = FileService(world: world)
        images = ImageService(world: world)
    }

    func reply(to request: Request) -> Reply {
        guard request.method == "GET" || request.method == "HEAD" else {
            return Reply(status: 405, headers: [("Allow", "GET, HEAD")], body: .whole([]))
        }
        var reply = route(request)
        if request.method == "HEAD" {
            if case .whole(let bytes) = reply.body { reply.body = .lengthOnly(bytes.count) }
            if case .chunked = reply.body { reply.body = .lengthOnly(0) }
        }
        return reply
    }

    private func route(_ request: Request) -> Reply {
        let parts = request.path.split(separator: "/")
        switch (parts.first, parts.dropFirst().first) {
        case ("api", "v2") where parts.count > 3 && parts[2] == "data":
            return query(request, Array(parts.dropFirst(3)))
        case ("api", "v2") where parts.count == 4 && parts[2] == "well_known_file_download":
            return Int(parts[3]).map { files.reply(id: $0, request) } ?? .somethingWentWrong
        case ("api", "v2") where parts.count == 4 && ImageService.downloads.contains(String(parts[2])):
            return Int(parts[3]).map { images.redirect(id: $0, request) } ?? .somethingWentWrong
        case ("cgi-bin", "imageservice"): return images.reply(request)
        default: return .notFound
        }
    }

    /// `query.json?q=..`, `query.json?criteria=..`, `<Model>/query.json?criteria=..`, `<Model>/<id>.json`.
    private func query(_ request: Request, _ parts: [Substring]) -> Reply {
        guard let last = parts.last, last.hasSuffix(".json"), parts.count <= 2 else { return .notFound }
        let model = parts.count == 2 ? String(parts[0]) : nil
        do {
            var query: RMAQuery
            if last == "query.json" {
                let text = request[parameter: "q"] ?? request[parameter: "criteria"] ?? ""
                query = try RMAParser.query(text, model: model)
                try Self.addOlderParameters(&query, request)
            } else {
                guard let model, let id = Int(last.dropLast(".json".count)) else { return .notFound }
                query = RMAQuery(model: model)
                query.filters = [
                    RMAFilter(
                        field: RMAModel(rawValue: model)?.key ?? "id", comparison: .equal, values: [String(id)])
                ]
            }
            return json(RMAEnvelope.success(try engine.run(query)), status: 200, request)
        } catch let error as RMAError {
            return json(RMAEnvelope.failure(error.message), status: error.status, request)
        } catch {
            return json(RMAEnvelope.failure("\(error)"), status: 500, request)
        }
    }

    /// In the older form, parameters of the URL replace the stages of the query.
    private static func addOlderParameters(_ query: inout RMAQuery, _ request: Request) throws(RMAError) {
        if let include = request[parameter: "include"] { query.includes += try RMAParser.associations(include) }
        for name in ["num_rows", "start_row", "order", "only", "except", "count"] {
            if let value = request[parameter: name] { try RMAParser.set(&query.options, name, [value]) }
        }
    }

    private func json(_ bytes: [UInt8], status: Int, _ request: Request) -> Reply {
        var headers = [("Content-Type", "application/json; charset=utf-8")]
        let accepted = request.headers["accept-encoding"]?.lowercased() ?? ""
        if accepted.contains("gzip"), let compressed = Gzip.compress(bytes) {
            headers += [("Content-Encoding", "gzip"), ("Vary", "Accept-Encoding")]
            return Reply(status: status, headers: headers, body: .chunked(compressed))
        }
        return Reply(status: status, headers: headers, body: .chunked(bytes))
    }
}
