import Layouts
import Support
import Testing

func parse(_ bytes: [UInt8]) throws -> JSONValue { try JSONValue.parse(bytes) }

func numbers(_ value: JSONValue?) -> [Double] { value?.arrayValue?.compactMap { $0.doubleValue } ?? [] }

let origin = ZYX(z: 0.0, y: 0.1144, x: 0.1144)

func image(
    _ shape: ZYX<Int>, chunk: ZYX<Int>, levels: Int? = nil, label: ImageLabel? = nil,
    dataType: VoxelType = .uint8
) throws -> OMEZarrImage {
    try OMEZarrImage(
        name: "labels", geometry: VolumeGeometry(shape: shape, spacing: allenSpacing, origin: origin),
        dataType: dataType, chunk: chunk, levelCount: levels, label: label)
}

@Suite struct OMEZarrImageTests {
    @Test func arrayMetadata() throws {
        let layout = try ZarrArrayLayout(
            shape: ZYX(z: 420, y: 10_000, x: 9_999), chunk: ZYX(z: 32, y: 256, x: 128), dataType: .uint16)
        let metadata = try parse(layout.zarray())
        #expect(metadata["zarr_format"]?.intValue == 2)
        #expect(metadata["shape"]?.arrayValue?.map(\.intValue) == [420, 10_000, 9_999])
        #expect(metadata["chunks"]?.arrayValue?.map(\.intValue) == [32, 256, 128])
        #expect(metadata["dtype"]?.stringValue == "<u2" && metadata["order"]?.stringValue == "C")
        #expect(metadata["fill_value"]?.intValue == 0 && metadata["dimension_separator"]?.stringValue == "/")
        #expect(metadata["compressor"] == .null && metadata["filters"] == .null)
        #expect(layout.chunkByteCount == 32 * 256 * 128 * 2)
        #expect(layout.chunkGrid == ZYX(z: 14, y: 40, x: 79))
        #expect(layout.chunkKey(ZYX(z: 4, y: 19, x: 7)) == "4/19/7")
    }

    /// Every voxel is in exactly one chunk, the one its index divided by the sides says.
    @Test func chunksPartitionTheVolume() throws {
        let shape = ZYX(z: 5, y: 9, x: 7)
        let layout = try ZarrArrayLayout(shape: shape, chunk: ZYX(z: 2, y: 3, x: 4), dataType: .uint8)
        var owners: [Int: ZYX<Int>] = [:]
        for cz in 0..<layout.chunkGrid.z {
            for cy in 0..<layout.chunkGrid.y {
                for cx in 0..<layout.chunkGrid.x {
                    let index = ZYX(z: cz, y: cy, x: cx)
                    let voxels = layout.voxels(ofChunk: index)
                    #expect(voxels.map(\.count) == layout.chunk)
                    for z in voxels.z where z < 5 {
                        for y in voxels.y where y < 9 {
                            for x in voxels.x where x < 7 {
                                #expect(owners.updateValue(index, forKey: (z * 9 + y) * 7 + x) == nil)
                                #expect(index == ZYX(z: z / 2, y: y / 3, x: x / 4))
                            }
                        }
                    }
                }
            }
        }
        #expect(owners.count == 5 * 9 * 7)
    }

    /// The centre of a voxel is the mean of the centres of the full-resolution voxels it covers.
    @Test func levelsLieOnTopOfEachOther() throws {
        let image = try image(ZYX(z: 4, y: 1000, x: 777), chunk: ZYX(z: 1, y: 64, x: 64))
        let metadata = try parse(image.zattrs())
        let datasets = try #require(metadata["multiscales"]?.arrayValue?.first?["datasets"]?.arrayValue)
        #expect(datasets.count == image.levels.count && image.levels.count == 5)
        for (n, dataset) in datasets.enumerated() {
            #expect(dataset["path"]?.stringValue == String(n))
            let transformations = try #require(dataset["coordinateTransformations"]?.arrayValue)
            #expect(transformations.compactMap { $0["type"]?.stringValue } == ["scale", "translation"])
            let scale = numbers(transformations[0]["scale"])
            let translation = numbers(transformations[1]["translation"])
            try #require(scale.count == 3 && translation.count == 3)
            let size = Int(1 << n)
            for i in [0, 1, 7] {
                let covered = (i * size)..<((i + 1) * size)
                let mean = covered.map { 0.1144 + Double($0) * 0.1144 }.reduce(0, +) / Double(size)
                #expect(abs(translation[2] + Double(i) * scale[2] - mean) < 1e-9)
                #expect(abs(translation[1] + Double(i) * scale[1] - mean) < 1e-9)
                #expect(abs(translation[0] + Double(i) * scale[0] - Double(i) * 0.28) < 1e-12)
            }
            let shape = image.levels[n].array.shape
            #expect(shape == ZYX(z: 4, y: (1000 + size - 1) / size, x: (777 + size - 1) / size))
            #expect(try parse(image.zarray(level: n))["shape"]?.arrayValue?.map(\.intValue) == shape.array)
        }
        #expect(image.levels[4].array.chunkGrid == ZYX(z: 4, y: 1, x: 1))
        #expect(image.levels[3].array.chunkGrid != ZYX(z: 4, y: 1, x: 1))
    }

    @Test func theConsolidatedMetadataOfAnImageHaveThoseOfItsLabels() throws {
        let shape = ZYX(z: 3, y: 100, x: 90)
        let labels = try OMEZarrImage(
            name: "classes", geometry: VolumeGeometry(shape: shape, spacing: allenSpacing, origin: origin),
            dataType: .uint8, chunk: ZYX(z: 3, y: 32, x: 32), levelCount: 2,
            label: ImageLabel(classes: [], source: "../../"))
        func stack(_ labels: OMEZarrImage?) throws -> OMEZarrImage {
            try OMEZarrImage(
                name: "stack", geometry: VolumeGeometry(shape: shape, spacing: allenSpacing, origin: origin),
                dataType: .uint8, chunk: ZYX(z: 1, y: 64, x: 64), labels: labels)
        }
        let (without, with) = (try stack(nil), try stack(labels))
        let group = OMEZarrLabels(name: "classes")
        #expect(try parse(group.zgroup()) == ["zarr_format": .int(2)])
        #expect(try parse(group.zattrs()) == ["labels": .array([.string("classes")])])
        let files = [
            ".zgroup": with.zgroup(), ".zattrs": with.zattrs(), "0/.zarray": with.zarray(level: 0),
            "1/.zarray": with.zarray(level: 1), "labels/.zgroup": group.zgroup(), "labels/.zattrs": group.zattrs(),
            "labels/classes/.zgroup": labels.zgroup(), "labels/classes/.zattrs": labels.zattrs(),
            "labels/classes/0/.zarray": labels.zarray(level: 0), "labels/classes/1/.zarray": labels.zarray(level: 1),
        ]
        let members = try #require(parse(with.zmetadata())["metadata"]?.objectValue)
        #expect(members.members.count == files.count)
        for (path, bytes) in files { #expect(try members[path] == parse(bytes), "\(path)") }
        // Nothing else of an image knows of its labels.
        #expect(with.zattrs() == without.zattrs() && with.zmetadata() != without.zmetadata())
        #expect(with.childCount(of: .root) == without.childCount(of: .root))
    }

    @Test func attributes() throws {
        let label = try ImageLabel(
            classes: [
                .init(value: 2, name: "axon", color: SIMD3(255, 0, 0)),
                .init(value: 1, name: "soma", color: SIMD3(255, 255, 0)),
            ], source: "../stack.ome.zarr")
        let metadata = try parse(try image(ZYX(z: 1, y: 1, x: 1), chunk: ZYX(z: 1, y: 8, x: 8), label: label).zattrs())
        let multiscale = try #require(metadata["multiscales"]?.arrayValue?.first)
        #expect(multiscale["version"]?.stringValue == "0.4" && multiscale["name"]?.stringValue == "labels")
        let axes = try #require(multiscale["axes"]?.arrayValue)
        #expect(axes.compactMap { $0["name"]?.stringValue } == ["z", "y", "x"])
        #expect(axes.allSatisfy { $0["type"]?.stringValue == "space" && $0["unit"]?.stringValue == "micrometer" })
        let colors = try #require(metadata["image-label"]?["colors"]?.arrayValue)
        #expect(colors.compactMap { $0["label-value"]?.intValue } == [1, 2])
        #expect(colors[0]["rgba"]?.arrayValue?.map(\.intValue) == [255, 255, 0, 255])
        let properties = try #require(metadata["image-label"]?["properties"]?.arrayValue)
        #expect(properties.compactMap { $0["class"]?.stringValue } == ["soma", "axon"])
        #expect(metadata["image-label"]?["source"]?["image"]?.stringValue == "../stack.ome.zarr")
        #expect(
            try parse(try image(ZYX(z: 1, y: 1, x: 1), chunk: ZYX(z: 1, y: 1, x: 1)).zattrs())["image-label"] == nil)
        #expect(
            try parse(try image(ZYX(z: 1, y: 1, x: 1), chunk: ZYX(z: 1, y: 1, x: 1)).zgroup())["zarr_format"] == .int(2)
        )
    }

    /// zarr-python's format 1: every metadata file below the group by its path, and nothing else.
    @Test func consolidatedMetadata() throws {
        let label = try ImageLabel(classes: [.init(value: 1, name: "soma", color: SIMD3(1, 2, 3))], source: nil)
        let image = try image(ZYX(z: 3, y: 300, x: 99), chunk: ZYX(z: 1, y: 64, x: 64), label: label, dataType: .uint16)
        let consolidated = try parse(image.zmetadata())
        #expect(consolidated["zarr_consolidated_format"] == .int(1))
        var expected: JSONObject = [".zattrs": try parse(image.zattrs()), ".zgroup": try parse(image.zgroup())]
        #expect(image.levels.count == 4)
        for level in 0..<4 { expected["\(level)/.zarray"] = try parse(image.zarray(level: level)) }
        #expect(consolidated["metadata"] == .object(expected))
        #expect(consolidated.objectValue?.members.map(\.key) == ["metadata", "zarr_consolidated_format"])
    }

    @Test func refusals() throws {
        let one = ZYX(z: 1, y: 1, x: 1)
        for shape in [ZYX(z: 0, y: 1, x: 1), ZYX(z: 1, y: -4, x: 1), ZYX(z: 1, y: 1, x: 1 << 31)] {
            #expect(throws: OMEZarrError.invalidShape(shape)) { try image(shape, chunk: one) }
        }
        for chunk in [ZYX(z: 1, y: 0, x: 1), ZYX(z: 32, y: 1 << 13, x: 1 << 13), ZYX(z: 1, y: 1 << 30, x: 1 << 30)] {
            #expect(throws: OMEZarrError.invalidChunk(chunk)) { try image(one, chunk: chunk) }
        }
        // 2^30 voxels fit as bytes and not as 16-bit samples.
        let large = ZYX(z: 1, y: 1 << 15, x: 1 << 15)
        #expect(try image(one, chunk: large).levels[0].array.chunkByteCount == 1 << 30)
        #expect(throws: OMEZarrError.invalidChunk(large)) { try image(one, chunk: large, dataType: .uint16) }
        for count in [0, -1, 33] {
            #expect(throws: OMEZarrError.invalidLevelCount(count)) { try image(one, chunk: one, levels: count) }
        }
        #expect(throws: OMEZarrError.self) {
            try OMEZarrImage(
                name: "", geometry: VolumeGeometry(shape: one, spacing: ZYX(z: 0, y: 1, x: 1), origin: origin),
                dataType: .uint8, chunk: one)
        }
        #expect(throws: OMEZarrError.repeatedLabelValue(1)) {
            try ImageLabel(
                classes: [
                    .init(value: 1, name: "a", color: SIMD3(0, 0, 0)),
                    .init(value: 1, name: "b", color: SIMD3(0, 0, 0)),
                ], source: nil)
        }
        // The largest volume still has a pyramid, down to one voxel a plane.
        let sides = Int(Int32.max)
        #expect(try image(ZYX(z: sides, y: sides, x: sides), chunk: one).levels.last?.array.shape.x == 1)
    }
}
