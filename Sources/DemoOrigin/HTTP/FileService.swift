import ImageCodec
import Support

/// `/api/v2/well_known_file_download/<id>`: a static file behind Apache (docs/DATA.md 5).
struct FileService: Sendable {
    let world: World

    /// A file without its bytes: a recording is never created as a whole for one range of it.
    private struct Content {
        var size: Int
        var bytes: (Range<Int>) -> [UInt8]

        init(_ whole: [UInt8]) {
            size = whole.count
            bytes = { Array(whole[$0]) }
        }

        init(_ recording: Recording) {
            size = recording.size
            bytes = recording.bytes
        }
    }

    func reply(id: Int, _ request: Request) -> Reply {
        guard let file = world.file(id: id) else { return .somethingWentWrong }
        let cell = world.cells[file.cell]
        do {
            guard let content = try content(file, cell) else { return .somethingWentWrong }
            return reply(content, FileKind(file.kind), cell, id, request)
        } catch {
            return .somethingWentWrong
        }
    }

    private func content(_ file: World.FileReference, _ cell: Cell) throws -> Content? {
        switch file.kind {
        case .skeleton: try world.skeletonBytes(cell).map { Content($0) }
        case .markers: try world.markerBytes(cell).map { Content($0) }
        case .recording: Content(Recording(cell))
        case .picture: try ImageService(world: world).picture(cell).map { Content($0) }
        }
    }

    private func reply(_ content: Content, _ kind: FileKind, _ cell: Cell, _ id: Int, _ request: Request) -> Reply {
        let modified = Self.modified(id)
        // The form of Apache: size and modification time in microseconds, both hexadecimal.
        let tag =
            "\"" + String(content.size, radix: 16) + "-" + String(modified * 1_000_000 + id % 1_000_000, radix: 16)
            + "\""
        var headers = [
            ("Content-Type", kind.contentType), ("ETag", tag),
            ("Last-Modified", HTTPDate.text(secondsSince1970: modified)), ("Accept-Ranges", "bytes"),
            ("Content-Disposition", "attachment; filename=\"\(kind.fileName(cell))\""),
        ]
        if request.headers["if-none-match"].map({ $0.contains(tag) || $0 == "*" }) == true {
            return Reply(status: 304, headers: headers, body: .lengthOnly(content.size))
        }
        let condition = request.headers["if-range"]
        let isCurrent = condition == nil || condition == tag || condition == HTTPDate.text(secondsSince1970: modified)
        switch ByteRange.resolve(isCurrent ? request.headers["range"] : nil, size: content.size) {
        case .unsatisfiable:
            headers.append(("Content-Range", "bytes */\(content.size)"))
            return Reply(status: 416, headers: headers, body: .whole([]))
        case .part(let range) where request.method == "GET":
            headers.append(("Content-Range", "bytes \(range.lowerBound)-\(range.upperBound - 1)/\(content.size)"))
            return Reply(status: 206, headers: headers, body: .whole(content.bytes(range)))
        case .part, .whole:
            if request.method == "HEAD" { return Reply(headers: headers, body: .lengthOnly(content.size)) }
            return Reply(headers: headers, body: .whole(content.bytes(0..<content.size)))
        }
    }

    /// A date between 2015 and 2019 that follows from an id.
    static func modified(_ id: Int) -> Int {
        var random = Random(seed: id, stream: 11)
        return 1_420_070_400 + random.whole(0...126_000_000)
    }
}
