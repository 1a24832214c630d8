import Layouts
import TestTools
import Testing

struct VolumeShape: Sendable, CustomTestStringConvertible {
    let width: Int
    let height: Int
    let depth: Int
    let bits: Int
    var testDescription: String { "\(width) x \(height) x \(depth) x \(bits) bit" }
    var byteCount: Int { width * height * depth * bits / 8 }

    static let small = [
        (1, 1, 1, 8), (1, 1, 3, 8), (1, 64, 2, 16), (300, 1, 4, 8), (31, 63, 5, 8), (32, 64, 3, 8), (33, 65, 3, 16),
        (70, 200, 7, 8),
    ].map { VolumeShape(width: $0.0, height: $0.1, depth: $0.2, bits: $0.3) }
    static let huge = [
        VolumeShape(width: 29_692, height: 26_074, depth: 600, bits: 8),
        VolumeShape(width: 10_000, height: 10_000, depth: 420, bits: 16),
    ]
}

@Suite struct VolumeTIFFTests {
    func volume(_ shape: VolumeShape, _ description: String? = nil) throws -> VolumeTIFF {
        try VolumeTIFF(
            width: shape.width, height: shape.height, depth: shape.depth, bitsPerSample: shape.bits,
            spacing: allenSpacing, description: description)
    }

    @Test(arguments: VolumeShape.small + VolumeShape.huge)
    func directoriesFollowOneAnotherThroughTheStack(_ shape: VolumeShape) throws {
        let volume = try volume(shape)
        #expect(volume.headerSize % 4096 == 0 && volume.fileSize == volume.headerSize + shape.byteCount)
        let header = volume.headerBytes(0..<volume.headerSize)
        #expect(header.count == volume.headerSize)
        let walker = try TIFFWalker { Array(header[$0]) }
        #expect(walker.isBig && !walker.hasOverlap)
        #expect(walker.directories.count == shape.depth)
        #expect(walker.extents.allSatisfy { $0.upperBound <= volume.headerSize })
        let expected = expectedScalars(
            width: shape.width, height: shape.height, bits: shape.bits, resolution: [12_500_000, 143])
        var position = UInt64(volume.headerSize)
        for (index, directory) in walker.directories.enumerated() {
            for (tag, values) in expected { try #require(directory[tag]?.values == values, "tag \(tag)") }
            try #require((directory[305]?.text == "NeuronFS") == (index == 0))
            try #require((directory[270] != nil) == (index == 0))
            let offsets = try #require(directory[273]).values, counts = try #require(directory[279]).values
            try #require(offsets.count == (shape.height + 63) / 64 && offsets.count == counts.count)
            for (offset, count) in zip(offsets, counts) {
                try #require(offset == position)
                position += count
            }
        }
        #expect(position == UInt64(volume.fileSize))
        let xml = try #require(walker.directories[0][270]?.text)
        for attribute in [
            "SizeX=\"\(shape.width)\"", "SizeY=\"\(shape.height)\"", "SizeZ=\"\(shape.depth)\"",
            "Type=\"uint\(shape.bits)\"",
            "PlaneCount=\"\(shape.depth)\"",
        ] {
            #expect(xml.contains(" \(attribute)"), "\(attribute)")
        }
    }

    /// The whole text, which ome-types and Bio-Formats judge in the mount tests.
    @Test func theFirstDirectoryIsOMEXML() throws {
        let shape = VolumeShape(width: 33, height: 65, depth: 3, bits: 16)
        let volume = try volume(shape, "labels <a & b>\n\"c\"")
        let walker = try TIFFWalker { volume.headerBytes($0) }
        #expect(
            walker.directories[0][270]?.text == #"""
                <?xml version="1.0" encoding="UTF-8"?><OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06" \#
                xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" \#
                xsi:schemaLocation="http://www.openmicroscopy.org/Schemas/OME/2016-06 \#
                http://www.openmicroscopy.org/Schemas/OME/2016-06/ome.xsd" Creator="NeuronFS"><Image ID="Image:0">\#
                <Description>labels &lt;a &amp; b&gt;
                "c"</Description><Pixels ID="Pixels:0" DimensionOrder="XYZCT" Type="uint16" BigEndian="false" \#
                SizeX="33" SizeY="65" SizeZ="3" SizeC="1" SizeT="1" PhysicalSizeX="0.1144" PhysicalSizeY="0.1144" \#
                PhysicalSizeZ="0.28"><Channel ID="Channel:0:0" SamplesPerPixel="1"/>\#
                <TiffData IFD="0" PlaneCount="3"/></Pixels></Image></OME>
                """#)
    }

    @Test(arguments: VolumeShape.small)
    func libtiffReadsTheSameVoxels(_ shape: VolumeShape) throws {
        let volume = try volume(shape, "labels of 328933585")
        let voxels = testPixels(count: shape.byteCount, seed: 3)
        let file = try TemporaryFile(volume.headerBytes(0..<volume.headerSize) + voxels)
        let read = try LibTIFF(path: file.path)
        #expect(read.complaints == 0 && read.pages.count == shape.depth)
        #expect(read.pages.flatMap(\.pixels) == voxels)
        for page in read.pages {
            #expect(page.width == UInt32(shape.width) && page.height == UInt32(shape.height))
            #expect(page.bitsPerSample == UInt16(shape.bits) && page.compression == 1)
            #expect(page.rowsPerStrip == UInt32(min(64, shape.height)))
            #expect(page.xResolution == Float(10_000 / 0.1144) && page.resolutionUnit == 3)
        }
        #expect(read.pages[0].description?.contains("<Description>labels of 328933585</Description>") == true)
    }

    @Test func refusals() {
        #expect(throws: TIFFLayoutError.invalidShape(width: 5, height: 5, depth: 0)) {
            try volume(VolumeShape(width: 5, height: 5, depth: 0, bits: 8))
        }
        for text in ["a\u{0}b", "a\u{1}b", "\u{1B}[31m", "\u{b5}m"] {
            #expect(throws: TIFFLayoutError.invalidDescription) { try volume(VolumeShape.small[0], text) }
        }
        let side = 1 << 24
        #expect(throws: TIFFLayoutError.tooLarge(limit: .max)) {
            try volume(VolumeShape(width: side, height: side, depth: side, bits: 8))
        }
        #expect(throws: TIFFLayoutError.invalidSpacing(ZYX(z: 0, y: 1, x: 1))) {
            try VolumeTIFF(
                width: 1, height: 1, depth: 1, bitsPerSample: 8, spacing: ZYX(z: 0, y: 1, x: 1))
        }
    }
}
