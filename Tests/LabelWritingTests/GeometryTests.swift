import Morphology
import Support
import Testing

@testable import LabelWriting

/// The geometry of an image (`--like`): TIFF bytes laid out here by the TIFF 6.0 and BigTIFF descriptions, Zarr documents.
@Suite struct GeometryTests {
    /// Directories of a TIFF: tag, type and value of each field. A text is a value as well.
    struct TIFF: Sendable {
        enum Value: Sendable {
            case short(Int), long(Int), rational(Int, Int), text(String)
        }

        var isBig = false
        var isBigEndian = false
        var directories: [[(tag: Int, value: Value)]]

        var bytes: [UInt8] {
            let word = isBig ? 8 : 4
            var bytes: [UInt8] = Array((isBigEndian ? "MM" : "II").utf8) + number(isBig ? 43 : 42, 2)
            if isBig { bytes += number(8, 2) + number(0, 2) }
            bytes += number(bytes.count + word, word)
            for (index, fields) in directories.enumerated() {
                let start = bytes.count
                let table = (isBig ? 8 : 2) + fields.count * (isBig ? 20 : 12) + word
                var values: [UInt8] = []
                bytes += number(fields.count, isBig ? 8 : 2)
                for (tag, value) in fields {
                    let (type, count, data) = stored(value)
                    bytes += number(tag, 2) + number(type, 2) + number(count, word)
                    if data.count <= word {
                        bytes += data + [UInt8](repeating: 0, count: word - data.count)
                    } else {
                        bytes += number(start + table + values.count, word)
                        values += data
                    }
                }
                let isLast = index == directories.count - 1
                bytes += number(isLast ? 0 : start + table + values.count, word) + values
            }
            return bytes
        }

        private func stored(_ value: Value) -> (type: Int, count: Int, data: [UInt8]) {
            switch value {
            case .short(let value): (3, 1, number(value, 2))
            case .long(let value): (4, 1, number(value, 4))
            case .rational(let above, let below): (5, 1, number(above, 4) + number(below, 4))
            case .text(let text): (2, text.utf8.count + 1, Array(text.utf8) + [0])
            }
        }

        private func number(_ value: Int, _ count: Int) -> [UInt8] {
            let little = (0..<count).map { UInt8(value >> (8 * $0) & 255) }
            return isBigEndian ? little.reversed() : little
        }
    }

    /// A stack of three planes of 70 x 50 voxels and a reduced copy, 400 px/cm by 200 px/cm.
    private static func stack(isBig: Bool = false, isBigEndian: Bool = false, description: String? = nil) -> TIFF {
        let size: [(tag: Int, value: TIFF.Value)] = [(256, .short(70)), (257, .long(50))]
        let scale: [(tag: Int, value: TIFF.Value)] = [
            (282, .rational(80_000, 200)), (283, .rational(200, 1)), (296, .short(3)),
        ]
        let first = size + (description.map { [(270, .text($0))] } ?? []) + scale
        let reduced: [(tag: Int, value: TIFF.Value)] = [(254, .long(1)), (256, .short(35)), (257, .short(25))]
        return TIFF(isBig: isBig, isBigEndian: isBigEndian, directories: [first, size, reduced, size])
    }

    private func geometry(_ bytes: [UInt8]) throws -> ImageGeometry {
        let scratch = try Scratch()
        try scratch.write(bytes, to: "x.tif")
        return try ImageGeometry(scratch("x.tif"))
    }

    @Test(arguments: [false, true], [false, true])
    func aTIFFHasTheSizeOfItsDirectories(isBig: Bool, isBigEndian: Bool) throws {
        let found = try geometry(Self.stack(isBig: isBig, isBigEndian: isBigEndian).bytes)
        #expect(found.shape == SIMD3(70, 50, 3) && found.spacing == SIMD3(25, 50, 0) && found.translation == nil)
    }

    @Test(arguments: [
        // z spacing in the unit of the description; x and y in centimetres.
        ("ImageJ=1.53\nslices=9\nunit=micron\nspacing=0.5\n", SIMD3(70, 50, 9), SIMD3(25, 50, 0.5)),
        ("ImageJ=1.53\nimages=12\nchannels=2\nunit=\\u00B5m\nspacing=-2\n", SIMD3(70, 50, 6), SIMD3(25, 50, 2)),
        (
            #"<OME><Image><Pixels ID="P" SizeX="70" SizeY="50" SizeZ="4" PhysicalSizeX="250" PhysicalSizeXUnit="nm" "#
                + #"PhysicalSizeY="0.5" PhysicalSizeZ="1.5"/></Image></OME>"#, SIMD3(70, 50, 4), SIMD3(0.25, 0.5, 1.5)
        ),
        (#"{"shape": [5, 50, 70], "spacing": 3, "unit": "um"}"#, SIMD3(70, 50, 5), SIMD3(25, 50, 3)),
        (#"{"shape": of somebody's"#, SIMD3(70, 50, 3), SIMD3(25, 50, 0)),
    ])
    func aDescriptionStatesPlanesAndSpacing(_ text: String, _ shape: SIMD3<Int>, _ spacing: SIMD3<Double>) throws {
        let found = try geometry(Self.stack(description: text).bytes)
        #expect(found.shape == shape && found.spacing == spacing)
    }

    @Test(arguments: [false, true])
    func aTIFFThatIsCutIsRefused(isBig: Bool) throws {
        let scratch = try Scratch()
        let bytes = Self.stack(isBig: isBig, description: "plain").bytes
        for count in 0..<bytes.count {
            try scratch.write(Array(bytes[..<count]), to: "x.tif")
            let told = sentence { _ = try ImageGeometry(scratch("x.tif")) }
            try #require(told.hasPrefix("\(scratch("x.tif")) is no TIFF that can be read: "), "\(count) bytes")
        }
    }

    @Test func aTIFFWithoutAnEndIsRefused() throws {
        // The next directory is the first one again.
        var bytes = Self.stack().bytes
        let end = 8 + 2 + 5 * 12
        bytes.replaceSubrange(end..<(end + 4), with: [8, 0, 0, 0])
        #expect(sentence { _ = try geometry(bytes) }.hasSuffix("its directories form a circle"))
        // Sizes and counts that no file has.
        let huge = TIFF(directories: [[(256, .long(0)), (257, .long(9))]])
        #expect(sentence { _ = try geometry(huge.bytes) }.contains("its first directory has no size"))
    }

    private static let axes =
        #""axes": [{"name": "c"}, {"name": "z", "unit": "micrometer"}, "#
        + #"{"name": "y", "unit": "nanometer"}, {"name": "x", "unit": "micrometer"}]"#

    @Test func anOMEZarrHasTheGeometryOfItsFirstDataSet() throws {
        let scratch = try Scratch()
        let steps =
            #"[{"type": "scale", "scale": [1, 2, 500, 0.5]}, {"type": "translation", "translation": [0, 6, 1000, 2]}]"#
        try scratch.write(
            #"{"multiscales": [{\#(Self.axes), "datasets": [{"path": "s0", "coordinateTransformations": \#(steps)}]}]}"#,
            to: "x.zarr/.zattrs")
        try scratch.write(#"{"shape": [2, 9, 50, 70]}"#, to: "x.zarr/s0/.zarray")
        let found = try ImageGeometry(scratch("x.zarr"))
        #expect(found.shape == SIMD3(70, 50, 9) && found.spacing == SIMD3(0.5, 0.5, 2))
        #expect(found.translation == SIMD3(2, 1, 6))
        let frame = try LabelFrame(shape: nil, spacing: nil, origin: nil, like: scratch("x.zarr"))
        #expect(frame.spacingSource == .image(scratch("x.zarr")))
        #expect((frame.grid.originX, frame.grid.originY, frame.grid.originZ) == (4, 2, 3))
    }

    @Test func aZarrArrayHasAShapeAlone() throws {
        let scratch = try Scratch()
        try scratch.write(#"{"shape": [9, 50, 70]}"#, to: "x/zarr.json")
        let found = try ImageGeometry(scratch("x"))
        #expect(found.shape == SIMD3(70, 50, 9) && found.spacing == SIMD3() && found.translation == nil)
    }

    @Test(arguments: [
        (".zarray", #"{"shape": [50, 70]}"#, "has fewer than three axes: labels need z, y and x"),
        (".zarray", "{", "not JSON"), ("x", "", "is a directory, but no Zarr array and no OME-Zarr image"),
        (".zarray", #"{"shape": [0, 50, 70]}"#, "states a shape or a spacing that no image has"),
        (".zattrs", #"{"multiscales": [{}]}"#, "its multiscales name no data set"),
        (".zattrs", #"{"multiscales": [{"datasets": [{"path": "0"}]}]}"#, "has no array 0, which its multiscales name"),
    ])
    func aDirectoryThatIsNoImageIsRefused(_ file: String, _ text: String, _ reason: String) throws {
        let scratch = try Scratch()
        try scratch.write(text, to: "x/\(file)")
        let told = sentence { _ = try ImageGeometry(scratch("x")) }
        #expect(told.hasPrefix(scratch("x")) && told.contains(reason))
    }

    @Test func optionsAndImageMayNotContradict() throws {
        let scratch = try Scratch()
        let path = scratch("x.tif")
        try scratch.write(
            Self.stack(description: "ImageJ=1\nslices=3\nunit=um\nspacing=2\n").bytes, to: "x.tif")
        let frame = try LabelFrame(shape: SIMD3(70, 50, 3), spacing: nil, origin: SIMD3(1, 2, 3), like: path)
        #expect((frame.grid.spacingX, frame.grid.spacingY, frame.grid.spacingZ) == (25, 50, 2))
        #expect((frame.grid.originX, frame.grid.originY, frame.grid.originZ) == (1, 2, 3))
        #expect(
            sentence { _ = try LabelFrame(shape: SIMD3(70, 50, 4), spacing: nil, origin: nil, like: path) }
                == "--shape 70,50,4 contradicts \(path), which has 70,50,3 voxels: leave one out")
        #expect(
            sentence { _ = try LabelFrame(shape: nil, spacing: SIMD3(25, 50, 3), origin: nil, like: path) }
                == "--spacing 25.0,50.0,3.0 contradicts \(path), which states 25.0,50.0,2.0 um: leave one out")
        // As near as fractions of 32-bit numbers are.
        let near = try LabelFrame(shape: nil, spacing: SIMD3(25.001, 50, 2), origin: nil, like: path)
        #expect(near.grid.spacingX == 25.001 && near.spacingSource == .option)
    }

    @Test func whatNobodyStatesIsAskedFor() throws {
        let scratch = try Scratch()
        try scratch.write(Self.stack().bytes, to: "x.tif")
        try scratch.write(#"{"shape": [9, 50, 70]}"#, to: "x/.zarray")
        #expect(
            sentence { _ = try LabelFrame(shape: nil, spacing: nil, origin: nil, like: scratch("x.tif")) }
                == "\(scratch("x.tif")) states only the spacing in x and y: give --spacing x,y,z in um")
        #expect(
            sentence { _ = try LabelFrame(shape: nil, spacing: nil, origin: nil, like: scratch("x")) }
                == "\(scratch("x")) states no spacing: give --spacing x,y,z in um")
        #expect(
            sentence { _ = try LabelFrame(shape: nil, spacing: nil, origin: nil, like: nil) }
                == "the shape of the image is not known: give --shape, or the image with --like")
        let assumed = try LabelFrame(shape: SIMD3(1, 1, 1), spacing: nil, origin: nil, like: nil)
        #expect(assumed.spacingSource == .assumed)
        #expect((assumed.grid.spacingX, assumed.grid.spacingY, assumed.grid.spacingZ) == (0.1144, 0.1144, 0.28))
    }
}
