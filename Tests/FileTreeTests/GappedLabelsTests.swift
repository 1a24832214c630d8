import Foundation
import Morphology
import SpecimenData
import Specimens
import Support
import TestTools
import Testing

@testable import FileTree

@Suite("Planes without an image")
struct GappedLabelsTests {
    private static let grid = VoxelGrid(width: 21, height: 13, depth: 6)
    private static let gaps: Set<Int> = [0, 3]

    /// A neurite through all planes: rows of every plane have labels, and columns from 8 on have none.
    private static func source(_ variant: LabelVariant) throws -> any LabelSource {
        let nodes = (0..<6).map { index in
            Skeleton.Node(
                id: index, type: 3, x: 4 * 0.1144, y: 6 * 0.1144, z: Double(index) * 0.28, radius: 0.3,
                parent: index - 1)
        }
        var options = LabelOptions()
        (options.clip, options.sigma) = (0.2, 0.2)
        return try variant.source(of: Skeleton(nodes: nodes), markers: [], in: grid, options: options)
    }

    /// What the gaps of each variant hold, byte by byte.
    private static let bytes: [LabelVariant: UInt8] = [
        .classes: 255, .classes3: 255, .binary: 255, .instance: 255, .centerline: 255, .distance: 0, .nodes: 0,
        .ignore: 255,
    ]

    @Test("every voxel of a gap has the variant's value, and no other voxel changes", arguments: LabelVariant.allCases)
    func planes(_ variant: LabelVariant) throws {
        let bare = try Self.source(variant)
        let byte = try #require(Self.bytes[variant])
        let labels = GappedLabels(bare, gaps: Self.gaps, value: variant.valueWithoutImage)
        #expect(labels.bytesPerVoxel == bare.bytesPerVoxel && labels.grid == bare.grid)
        for plane in 0..<6 {
            let isGap = Self.gaps.contains(plane)
            // Peaks are at the ends of the neurite alone.
            #expect(variant == .nodes || bare.plane(plane).contains { $0 > 0 })
            #expect(
                labels.plane(plane) == (isGap ? [UInt8](repeating: byte, count: bare.planeBytes) : bare.plane(plane)))
            #expect(labels.runs(plane: plane) == (isGap ? runs(byte, labels) : bare.runs(plane: plane)))
        }
    }

    private func runs(_ byte: UInt8, _ labels: GappedLabels) -> [LabelRun] {
        guard byte > 0 else { return [] }
        let value = labels.bytesPerVoxel == 2 ? 65_535 : UInt16(byte)
        return (0..<13).map { LabelRun(row: $0, columns: 0..<21, value: value) }
    }

    @Test("a chunk that reaches beyond the volume is background there", arguments: [LabelVariant.classes, .instance])
    func windows(_ variant: LabelVariant) throws {
        let labels = GappedLabels(try Self.source(variant), gaps: Self.gaps, value: variant.valueWithoutImage)
        let width = 32 * labels.bytesPerVoxel
        for (x, y) in [(-5..<27, -2..<17), (16..<48, 0..<16), (21..<53, 0..<4), (0..<32, 13..<20), (2..<34, 3..<5)] {
            for plane in -1...6 {
                var window = [UInt8](repeating: 7, count: (width + 3) * y.count)
                window.withUnsafeMutableBytes { buffer in
                    labels.paintWindow(plane: plane, x: x, y: y, into: buffer, rowStride: width + 3)
                }
                let isInside = (0..<6).contains(plane)
                let whole = isInside ? labels.plane(plane) : []
                for row in y {
                    for column in x {
                        for part in 0..<labels.bytesPerVoxel {
                            let place =
                                (row - y.lowerBound) * (width + 3)
                                + (column - x.lowerBound) * labels.bytesPerVoxel + part
                            let isThere = isInside && (0..<21).contains(column) && (0..<13).contains(row)
                            let voxel = (row * 21 + column) * labels.bytesPerVoxel + part
                            try #require(window[place] == (isThere ? whole[voxel] : 0), "\(plane), \(row), \(column)")
                        }
                    }
                    let end = (row - y.lowerBound) * (width + 3) + width
                    try #require(window[end..<end + 3] == [7, 7, 7], "bytes between rows are left alone")
                }
            }
        }
    }

    @Test("a box is empty when all of its voxels are background", arguments: LabelVariant.allCases)
    func emptiness(_ variant: LabelVariant) throws {
        let labels = GappedLabels(try Self.source(variant), gaps: Self.gaps, value: variant.valueWithoutImage)
        let planes = (0..<6).map(labels.plane)
        for first in 0..<6 {
            for box in [first..<first + 1, first..<first + 2, first..<9] {
                for (x, y) in [
                    (0..<21, 0..<13), (12..<21, 0..<13), (12..<40, 9..<20), (21..<40, 0..<13), (0..<9, 13..<15),
                ] {
                    var isEmpty = true
                    for plane in box.clamped(to: 0..<6) {
                        for row in y.clamped(to: 0..<13) {
                            for column in x.clamped(to: 0..<21) {
                                let voxel = (row * 21 + column) * labels.bytesPerVoxel
                                if planes[plane][voxel..<voxel + labels.bytesPerVoxel].contains(where: { $0 > 0 }) {
                                    isEmpty = false
                                }
                            }
                        }
                    }
                    #expect(labels.isEmpty(planes: box, x: x, y: y) == isEmpty, "\(box), \(x), \(y)")
                }
            }
        }
    }

    /// A cell whose sections 3 (missing), 5 (failed) and 6 (narrower) give volumes no image.
    private func context() throws -> SpecimenContext {
        func plane(_ section: Int, width: Int = 100, failed: Bool = false) -> PlaneImage {
            PlaneImage(
                imageID: 100 + section, sectionNumber: section, x: 1, y: 1, width: width, height: 80,
                frameWidth: width + 2, frameHeight: 82, resolution: 0.1144, failed: failed)
        }
        let planes = [plane(1), plane(2), plane(4), plane(5, failed: true), plane(6, width: 90), plane(7)]
        let skeleton = ObjectID.file(9, of: 7)
        let specimen = Specimen(
            id: 7, name: "cell", species: .mouse, skeleton: skeleton, hasImages: true, row: RowText([:]))
        let objects = SpecimenObjects(
            stack: ImageStack(planes: planes, zSpacing: 0.28), spacing: VoxelSpacing(xy: 0.1144, z: 0.28),
            skeleton: SourceObject(id: skeleton))
        return SpecimenContext(
            specimen: specimen, objects: objects, skeletonModified: nil)
    }

    @Test("planes that are missing, failed or of another size have no image in volumes")
    func gaps() throws {
        let context = try context()
        #expect(context.gaps == [2, 4, 5])
        #expect((0..<7).map { context.volumePlane(at: $0)?.imageID } == [101, 102, nil, 104, nil, nil, 107])
    }

    @Test("meta.json tells which planes have no image, and what the labels are there", arguments: LabelVariant.allCases)
    func meta(_ variant: LabelVariant) throws {
        let bytes = MetaJSON(context: try context(), reading: nil, mainVariant: variant).bytes
        let meta = try JSONValue.parse(bytes)
        #expect(meta["stack"]?["missing_planes"]?.arrayValue?.map(\.intValue) == [2, 4])
        #expect(meta["stack"]?["planes_without_image"]?.arrayValue?.map(\.intValue) == [2, 4, 5])
        let expected = variant == .instance ? 65_535 : Int(try #require(Self.bytes[variant]))
        #expect(meta["labels"]?["value_without_image"]?.intValue == expected)
    }

    @Test("labels of OME-Zarr name the values they have", arguments: [LabelVariant.classes, .classes3, .binary])
    func imageLabel(_ variant: LabelVariant) throws {
        let store = try #require(ZarrStore(try context(), .labels, main: variant))
        let found = store.image.label?.classes.map { "\($0.value) \($0.name)" }
        let expected: [LabelVariant: [String]] = [
            .classes: ["1 soma", "2 axon", "3 basal dendrite", "4 apical dendrite", "255 unknown"],
            .classes3: ["1 soma", "2 axon", "3 dendrite", "255 unknown"], .binary: ["1 neuron", "255 unknown"],
        ]
        #expect(found == expected[variant])
    }
}
