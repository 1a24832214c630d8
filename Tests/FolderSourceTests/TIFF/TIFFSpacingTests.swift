import Testing

@testable import FolderSource

@Suite struct TIFFSpacingTests {
    private func header() throws -> TIFFHeader { try TIFFHeader(HandmadeTIFF().bytes[...]) }

    private func describe(_ text: String, x: (UInt32, UInt32)? = nil, unit: Int = 1) throws -> TIFFDescription {
        let bytes = x.map { above, below in
            [above, below].flatMap { value in (0..<4).map { UInt8(truncatingIfNeeded: value >> UInt32(8 * $0)) } }
        }
        return TIFFDescription(
            text: Array(text.utf8), TIFFResolution(x: bytes ?? [], y: bytes ?? [], unit: unit, try header()))
    }

    private func pixels(_ attributes: String) -> String {
        "<?xml version=\"1.0\"?><!-- <OME><Pixels PhysicalSizeX=\"9\"/> --><OME xmlns=\"x\"><Image>"
            + "<Description>a > b <![CDATA[<Pixels PhysicalSizeX='8'>]]></Description>"
            + "<Pixels \(attributes)><Channel/></Pixels><Pixels PhysicalSizeX=\"7\"/></Image></OME>"
    }

    @Test func imageJSaysSpacingInItsUnit() throws {
        for (unit, factor) in [
            ("micron", 1.0), ("um", 1), ("\\u00B5m", 1), ("µm", 1), ("μm", 1), ("nm", 0.001), ("mm", 1000),
        ] {
            let said = try describe("ImageJ=1.54f\nimages=4\nslices=4\nunit=\(unit)\nspacing=0.5\n", x: (8, 1))
            #expect(said.spacing == TIFFSpacing(x: 0.125 * factor, y: 0.125 * factor, z: 0.5 * factor), "\(unit)")
        }
        #expect(try describe("ImageJ=1.54f\nunit=pixel\nspacing=0.5\n", x: (8, 1)).spacing == unknown)
        #expect(try describe("ImageJ=1.54f\nspacing=0.5\n", x: (8, 1)).spacing == unknown)
        #expect(try describe("ImageJ=1.54f\nunit=um\nspacing=-0.5\n").spacing == unknown)
        #expect(try describe("ImageJ=1.54f\nunit=um\nspacing=nan\n").spacing == unknown)
        // A resolution of 1 that has a unit is meant.
        #expect(try describe("ImageJ=1.54f\nunit=um\n", x: (1, 1)).spacing.x == 1)
        #expect(try describe("ImageJ=1.54f\nunit=inch\n", x: (72, 1)).spacing == unknown)
    }

    @Test func omeXMLSaysSpacingOfItsFirstPixels() throws {
        let said = try describe(
            pixels("SizeZ='4' PhysicalSizeX=\"0.25\" PhysicalSizeY = '250' PhysicalSizeYUnit='nm' PhysicalSizeZ=\"2\""))
        #expect(said.spacing == TIFFSpacing(x: 0.25, y: 0.25, z: 2))
        #expect(said.axes == TIFFDescription.Axes(channels: 1, planes: 4, times: 1))
        #expect(
            try describe(
                pixels("PhysicalSizeX='1' PhysicalSizeXUnit='&#181;m' PhysicalSizeZ='1' PhysicalSizeZUnit='pixel'")
            )
            .spacing == TIFFSpacing(x: 1, y: nil, z: nil))
        let prefixed = "<o:OME><o:Image><o:Pixels PhysicalSizeX='3'/></o:Image></o:OME>"
        #expect(try describe(prefixed).spacing.x == 3)
        // Where OME-XML has no size, the tags may.
        #expect(try describe(pixels(""), x: (20000, 1), unit: 3).spacing == TIFFSpacing(x: 0.5, y: 0.5, z: nil))
    }

    @Test func damagedOMEXMLSaysNothing() throws {
        let whole = Array(pixels("PhysicalSizeX=\"0.25\" a='b'").utf8)
        let end = try #require(whole.indices.last { whole[$0...].starts(with: "<Channel".utf8) })
        for count in 0..<end - 1 { #expect(OMEPixels(whole.prefix(count)) == nil, "\(count)") }
        for text in [
            "<OME><Pixels PhysicalSizeX=1>", "<OME><Pixels <a>", "<OME", "<OME><", "<Pixels PhysicalSizeX='1'/>",
        ] {
            #expect(try describe(text).spacing == unknown, "\(text)")
        }
    }

    @Test func resolutionTagsSaySpacingUnlessTheyAreDefaults() throws {
        #expect(try describe("", x: (25400, 1), unit: 2).spacing == TIFFSpacing(x: 1, y: 1, z: nil))
        #expect(try describe("text", x: (40000, 2), unit: 3).spacing == TIFFSpacing(x: 0.5, y: 0.5, z: nil))
        for (resolution, unit) in [(1, 2), (72, 2), (96, 2), (300, 2), (1, 3)] as [(UInt32, Int)] {
            #expect(try describe("", x: (resolution, 1), unit: unit).spacing == unknown, "\(resolution)")
        }
        // 72 an inch, in centimetres.
        #expect(try describe("", x: (2835, 100), unit: 3).spacing == unknown)
        #expect(try describe("", x: (20000, 1), unit: 1).spacing == unknown)
        #expect(try describe("", x: (0, 1), unit: 2).spacing == unknown)
        #expect(try describe("", x: (20000, 0), unit: 2).spacing == unknown)
    }

    @Test func theTagsOfAFileAreRead() throws {
        let testing = try TIFFTesting()
        defer { testing.pool.shutdown() }
        for mode in ["l", "b", "l8", "b8"] {
            var fixture = TIFFFixture()
            fixture.mode = mode
            fixture.texts = [270: "ImageJ=1.54f\nslices=1\nunit=micron\nspacing=0.28\n"]
            fixture.floats = [282: 8, 283: 4]
            fixture.numbers = [296: 1]
            fixture.paint()
            #expect(try testing.open(fixture.written()).spacing == TIFFSpacing(x: 0.125, y: 0.25, z: 0.28), "\(mode)")
        }
    }

    @Test func channelsAndTimePointsBesidePlanesAreRefused() throws {
        let pages = try { () throws in
            let testing = try TIFFTesting()
            defer { testing.pool.shutdown() }
            var file = HandmadeTIFF()
            file.directories = 6
            return try testing.open(file.bytes).pages
        }()
        func planes(_ text: String) throws -> Int { try describe(text).planes(of: pages, fileLength: 1000).count }
        // Many writers call the planes of a stack channels or time points.
        #expect(try planes("ImageJ=1\nimages=6\nchannels=6\n") == 6)
        #expect(try planes(pixels("SizeC='1' SizeZ='1' SizeT='6'")) == 6)
        // One file of several that hold a stack.
        #expect(try planes(pixels("SizeC='2' SizeZ='6' SizeT='1'")) == 6)
        #expect(throws: TIFFFault.self) { try planes("ImageJ=1\nimages=6\nchannels=2\nslices=3\n") }
        #expect(throws: TIFFFault.self) { try planes(pixels("SizeC='1' SizeZ='2' SizeT='3'")) }
    }

    private let unknown = TIFFSpacing(x: nil, y: nil, z: nil)
}
