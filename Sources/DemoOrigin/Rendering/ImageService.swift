import ImageCodec
import Support

/// `/api/v2/*_image_download/<id>`, which redirects, and `/cgi-bin/imageservice`, which returns a JPEG (docs/DATA.md
/// 4).
struct ImageService: Sendable {
    static let downloads: Set<String> = [
        "section_image_download", "image_download", "projection_image_download", "atlas_image_download",
    ]
    /// libjpeg's customary quality for pictures on the web. With it, the captured plane of 43.6 Mpx takes 2.0 MB.
    private static let defaultQuality = 80
    private static let deepestDownsample = 12

    let world: World
    private let renderer: Renderer

    init(world: World) {
        self.world = world
        renderer = Renderer(world: world)
    }

    /// 302 to the image server, with the defaults filled in and the parameters in the captured order.
    func redirect(id: Int, _ request: Request) -> Reply {
        do {
            guard let row = try row(id: id), let frame = Frame(row), let path = row.fields["path"]?.stringValue else {
                return .somethingWentWrong
            }
            let region = frame.region(request)
            let base = "http://\(request.headers["host"] ?? "127.0.0.1")/cgi-bin/imageservice"
            var target = "\(base)?mime=1&path=\(path)&left=\(region.x)&top=\(region.y)&width=\(region.width)"
            target += "&height=\(region.height)&downsample=\(request.integer("downsample") ?? 0)"
            if let quality = request.integer("quality") { target += "&quality=\(quality)" }
            return Reply(
                status: 302, headers: [("Location", target), ("Content-Type", "text/html; charset=utf-8")],
                body: .whole(
                    Array("<html><body>You are being <a href=\"\(target)\">redirected</a>.</body></html>".utf8)))
        } catch {
            return .somethingWentWrong
        }
    }

    func reply(_ request: Request) -> Reply {
        do {
            guard let path = request[parameter: "path"], let image = try ImageRows.image(path: path, in: world),
                let frame = Frame(image.row)
            else { return .somethingWentWrong }
            let region = frame.region(request).clipped(to: frame.whole)
            guard !region.isEmpty else { return .somethingWentWrong }
            let halvings = min(max(request.integer("downsample") ?? 0, 0), Self.deepestDownsample)
            let quality = min(max(request.integer("quality") ?? Self.defaultQuality, 1), 100)
            let (pixels, width, height) = try pixels(image, region, halvings: halvings)
            let jpeg: [UInt8]
            if case .plane = image {
                // A faint warm tint; the luma contains the picture.
                jpeg = try JPEG.encodeLuma(pixels, width: width, height: height, quality: quality, cb: 124, cr: 130)
            } else {
                jpeg = try JPEG.encodeGray(pixels, width: width, height: height, quality: quality)
            }
            let modified = HTTPDate.text(secondsSince1970: FileService.modified(image.row.number("id") ?? 0))
            return Reply(
                headers: [("Content-Type", "image/jpeg"), ("Last-Modified", modified)], body: .whole(jpeg))
        } catch {
            return .somethingWentWrong
        }
    }

    /// The picture file of a cell, its minimum projection as a small PNG; `nil` for a cell without images.
    func picture(_ cell: Cell) throws -> [UInt8]? {
        guard let stack = try world.stack(cell) else { return nil }
        let whole = PixelRect(x: 0, y: 0, width: stack.frameWidth, height: stack.frameHeight)
        let halvings = max(
            0,
            (max(whole.width, whole.height) / 640).bitWidth - (max(whole.width, whole.height) / 640).leadingZeroBitCount
        )
        let (pixels, width, height) = try pixels(.projection(cell, stack, .minimumXY), whole, halvings: halvings)
        return try PNG.encode(.gray, pixels, width: width, height: height)
    }

    private func row(id: Int) throws -> RMARow? {
        let database = WorldDatabase(world: world)
        return try database.row(.subImage, id: id) ?? database.row(.projectionImage, id: id)
    }

    /// Renders bands of full resolution and averages squares of 2^halvings px. So memory stays small, and a reduced
    /// picture is the mean of the full one. Width and height of the reply are rounded up.
    private func pixels(
        _ image: ImageReference, _ region: PixelRect, halvings: Int
    ) throws -> (pixels: [UInt8], width: Int, height: Int) {
        guard halvings > 0 else { return (try renderer.render(image, region), region.width, region.height) }
        let side = 1 << halvings
        let width = (region.width + side - 1) >> halvings
        let height = (region.height + side - 1) >> halvings
        var result: [UInt8] = []
        result.reserveCapacity(width * height)
        for row in 0..<height {
            let band = PixelRect(x: region.x, y: region.y + row * side, width: region.width, height: side)
                .clipped(to: region)
            let pixels = try renderer.render(image, band)
            var sums = [Int](repeating: 0, count: width)
            for y in 0..<band.height {
                for x in 0..<band.width { sums[x >> halvings] += Int(pixels[y * band.width + x]) }
            }
            for (column, sum) in sums.enumerated() {
                let count = min(side, region.width - column << halvings) * band.height
                result.append(UInt8((sum + count / 2) / count))
            }
        }
        return (result, width, height)
    }
}

/// The position of an image in the full frame.
private struct Frame {
    /// The image's own rectangle.
    var own: PixelRect
    /// The full frame, which has pixels all around a SubImage.
    var whole: PixelRect

    init?(_ row: RMARow) {
        guard let x = row.number("x"), let y = row.number("y"), let width = row.number("width"),
            let height = row.number("height"), let frameWidth = row.number("image_width"),
            let frameHeight = row.number("image_height")
        else { return nil }
        own = PixelRect(x: x, y: y, width: width, height: height)
        whole = PixelRect(x: 0, y: 0, width: frameWidth, height: frameHeight)
    }

    /// The rectangle that a request names. A value that it omits is that of the image.
    func region(_ request: Request) -> PixelRect {
        PixelRect(
            x: request.integer("left") ?? own.x, y: request.integer("top") ?? own.y,
            width: request.integer("width") ?? own.width, height: request.integer("height") ?? own.height)
    }
}
