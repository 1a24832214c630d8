import ImageCodec
import Testing

@testable import DemoOrigin

@Suite struct RenderingTests {
    private let service = ImageService(world: TestWorld.world)

    private func image(_ specimen: Int, plane: Int) throws -> ImageReference {
        let cell = TestWorld.cell(specimen)
        let stack = try #require(try TestWorld.world.stack(cell))
        let position = try #require(stack.sections.firstIndex(of: stack.firstSection + plane))
        return .plane(cell, stack, position: position)
    }

    private func path(_ image: ImageReference) throws -> String {
        "/cgi-bin/imageservice?path=" + (try #require(image.row.fields["path"]?.stringValue))
    }

    private func somaPlane(_ specimen: Int) throws -> (plane: Int, x: Int, y: Int) {
        let skeleton = try TestWorld.world.skeleton(TestWorld.cell(specimen))
        let soma = try #require(skeleton.nodes.first { $0.type == 1 })
        return (Int((soma.z / 0.28).rounded()), Int(soma.x / 0.1144), Int(soma.y / 0.1144))
    }

    @Test func aPixelDoesNotDependOnTheTileItIsAskedForIn() throws {
        let soma = try somaPlane(900_000_112)
        let image = try image(900_000_112, plane: soma.plane)
        let renderer = Renderer(world: TestWorld.world)
        let whole = PixelRect(x: soma.x - 150, y: soma.y - 100, width: 300, height: 200)
        let pixels = try renderer.render(image, whole)
        for part in [
            PixelRect(x: whole.x + 37, y: whole.y + 11, width: 101, height: 53),
            PixelRect(x: whole.x, y: whole.y + 120, width: 1, height: 1),
            PixelRect(x: whole.x + 299, y: whole.y, width: 1, height: 200),
        ] {
            let piece = try renderer.render(image, part)
            var expected: [UInt8] = []
            for y in part.y..<part.y + part.height {
                for x in part.x..<part.x + part.width {
                    expected.append(pixels[(y - whole.y) * whole.width + x - whole.x])
                }
            }
            #expect(piece == expected)
        }
    }

    /// The label of a voxel by its definition (docs/LABELS.md, the rules), evaluated here by brute force. A voxel is
    /// inside when its distance in space to the axis of an edge is at most the radius. The radius is at least half a
    /// voxel diagonal.
    private func distanceBeyondSurface(_ nodes: [WorldSkeleton.Node], _ x: Double, _ y: Double, _ z: Double) -> Double {
        var nearest = Double.infinity
        for node in nodes {
            let parent = node.parent >= 0 && node.type != 1 ? nodes[node.parent] : node
            let (ax, ay, az) = (Double(parent.x), Double(parent.y), Double(parent.z))
            let (dx, dy, dz) = (Double(node.x) - ax, Double(node.y) - ay, Double(node.z) - az)
            let square = dx * dx + dy * dy + dz * dz
            let along = (x - ax) * dx + (y - ay) * dy + (z - az) * dz
            let t = square > 0 ? min(max(along / square, 0), 1) : 0
            let start = parent.type == 1 && node.type != 1 ? Double(node.radius) : Double(parent.radius)
            let radius = max(0.161, start + t * (Double(node.radius) - start))
            let (ex, ey, ez) = (x - ax - t * dx, y - ay - t * dy, z - az - t * dz)
            nearest = min(nearest, (ex * ex + ey * ey + ez * ez).squareRoot() - radius)
        }
        return nearest
    }

    @Test(arguments: [900_000_101, 900_000_112])
    func pixelsOfTheLabelAreClearlyDarkerThanTheField(specimen: Int) throws {
        let soma = try somaPlane(specimen)
        let region = PixelRect(x: soma.x - 220, y: soma.y - 220, width: 440, height: 440)
        let nodes = try TestWorld.world.skeleton(TestWorld.cell(specimen)).nodes
        // Edges out of reach of the region have no effect.
        let low = (Float(region.x) * 0.1144 - 15, Float(region.y) * 0.1144 - 15)
        let near = nodes.indices.filter { index in
            let node = nodes[index]
            return node.x > low.0 && node.y > low.1 && node.x < low.0 + 81 && node.y < low.1 + 81
        }
        let kept = Dictionary(uniqueKeysWithValues: near.enumerated().map { ($1, $0) })
        let local = near.map { index in
            var node = nodes[index]
            node.parent = kept[node.parent] ?? -1
            return node
        }
        for plane in [soma.plane - 4, soma.plane, soma.plane + 9] {
            let pixels = try Renderer(world: TestWorld.world).render(image(specimen, plane: plane), region)
            var inside: [UInt8] = []
            var outside: [UInt8] = []
            for y in stride(from: 0, to: region.height, by: 8) {
                for x in stride(from: 0, to: region.width, by: 8) {
                    let distance = distanceBeyondSurface(
                        local, Double(region.x + x) * 0.1144, Double(region.y + y) * 0.1144, Double(plane) * 0.28)
                    if distance <= 0 { inside.append(pixels[y * region.width + x]) }
                    if distance > 6 { outside.append(pixels[y * region.width + x]) }
                }
            }
            #expect(inside.count > 30)
            #expect(outside.count > 30)
            #expect(try #require(inside.max()) < 140)
            #expect(try #require(outside.min()) > 150)
        }
    }

    @Test func theFieldHasTheBrightnessOfARealOne() throws {
        let region = PixelRect(x: 1, y: 1, width: 1760, height: 400)
        let pixels = try Renderer(world: TestWorld.world).render(image(900_000_112, plane: 3), region)
        let mean = Double(pixels.reduce(0) { $0 + Int($1) }) / Double(pixels.count)
        #expect(abs(mean - 197) < 8)
        #expect(Set(pixels).count > 20, "the field is textured")
    }

    @Test func tilesAtMultiplesOf16PxDecodeToThePixelsOfTheWholePlane() throws {
        let image = try image(900_000_136, plane: 30)
        let base = try path(image)
        let whole = try JPEG.decodeLuma(TestWorld.get(base).bytes, width: 1700, height: 1504)
        for (left, top, width, height) in [
            (0, 0, 512, 512), (1024, 512, 512, 512), (640, 1008, 160, 496), (1536, 16, 164, 64),
        ] {
            let reply = TestWorld.get(base + "&left=\(left + 1)&top=\(top + 1)&width=\(width)&height=\(height)")
            let tile = try JPEG.decodeLuma(reply.bytes, width: width, height: height)
            // The blocks differ where the tile ends inside a block of 8 px and the plane does not.
            let (right, bottom) = (width & ~7, height & ~7)
            var differing = 0
            for y in 0..<bottom {
                for x in 0..<right where tile[y * width + x] != whole[(top + y) * 1700 + left + x] { differing += 1 }
            }
            #expect(differing == 0)
        }
    }

    @Test func downsamplingHalvesAndAverages() throws {
        let image = try image(900_000_136, plane: 30)
        let region = "&left=101&top=201&width=301&height=203&quality=100"
        let full = try JPEG.decodeLuma(TestWorld.get(path(image) + region).bytes, width: 301, height: 203)
        let reply = TestWorld.get(try path(image) + region + "&downsample=2")
        #expect(try JPEG.info(reply.bytes) == JPEGInfo(width: 76, height: 51, components: 3))
        let small = try JPEG.decodeLuma(reply.bytes, width: 76, height: 51)
        var worst = 0.0
        for y in 0..<50 {
            for x in 0..<75 {
                var sum = 0
                for dy in 0..<4 { for dx in 0..<4 { sum += Int(full[(4 * y + dy) * 301 + 4 * x + dx]) } }
                worst = max(worst, abs(Double(sum) / 16 - Double(small[y * 76 + x])))
            }
        }
        #expect(worst < 3)
    }

    @Test func aDownloadRedirectsToTheImageServerWithTheDefaultsFilledIn() throws {
        let reply = TestWorld.get(
            "/api/v2/section_image_download/1100001000", headers: ["host": "127.0.0.1:8431"])
        #expect(reply.status == 302)
        let location = try #require(reply.header("location"))
        #expect(
            location
                == "http://127.0.0.1:8431/cgi-bin/imageservice?mime=1&path=/external/mousecelltypes/prod201/"
                + "0510000000-0001_1100000997/0510000000-0001.aff&left=1&top=1&width=2048&height=2400&downsample=0")
        let tile = TestWorld.get(
            "/api/v2/image_download/1100001000?left=17&top=33&width=64&height=48&quality=70",
            headers: ["host": "h"])
        #expect(
            tile.header("location")?.hasSuffix("&left=17&top=33&width=64&height=48&downsample=0&quality=70") == true)
        #expect(TestWorld.get("/api/v2/section_image_download/5").status == 500)
    }

    @Test func theImageServerStatesLengthAndDateAndClipsWhatLiesBeyondTheFrame() throws {
        let base = try path(image(900_000_112, plane: 10))
        let target = base + "&left=1700&top=1790&width=200&height=200"
        let reply = TestWorld.get(target)
        #expect(try JPEG.info(reply.bytes) == JPEGInfo(width: 62, height: 12, components: 3))
        #expect(reply.header("last-modified")?.hasSuffix(" GMT") == true)
        guard case .lengthOnly(reply.bytes.count) = TestWorld.get(target, method: "HEAD").body else {
            Issue.record("HEAD states another length than GET has")
            return
        }
        #expect(TestWorld.get(base + "&left=5000&top=0&width=10&height=10").status == 500)
        #expect(TestWorld.get("/cgi-bin/imageservice?path=/external/nothing.aff").status == 500)
    }

    @Test func projectionsShowTheNeuronFromAboveAndFromTheSide() throws {
        let cell = TestWorld.cell(900_000_112)
        let stack = try #require(try TestWorld.world.stack(cell))
        let soma = try somaPlane(cell.id)
        for projection in Projection.allCases {
            let image = ImageReference.projection(cell, stack, projection)
            let size = projection.isSide ? stack.yzWidth : stack.frameWidth
            let column = projection.isSide ? Int(Double(soma.plane) * 0.28 / 0.1144) : soma.x
            let reply = TestWorld.get(try path(image))
            #expect(try JPEG.info(reply.bytes) == JPEGInfo(width: size, height: stack.frameHeight, components: 1))
            let pixels = try JPEG.decodeLuma(reply.bytes, width: size, height: stack.frameHeight)
            #expect((pixels[soma.y * size + column] < 120) == projection.isMinimum)
            #expect(pixels[5 * size + 5] > 150)
        }
    }

    @Test func thePictureFileIsASmallPNG() throws {
        let reply = TestWorld.get("/api/v2/well_known_file_download/1000001127")
        #expect(reply.status == 200)
        #expect(reply.bytes.prefix(4) == [0x89, 0x50, 0x4E, 0x47])
        #expect(reply.header("content-type") == "image/png")
        let width = reply.bytes[16..<20].reduce(0) { $0 << 8 | Int($1) }
        #expect((200...640).contains(width))
    }
}
