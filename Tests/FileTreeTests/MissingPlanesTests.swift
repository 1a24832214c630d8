import Catalogue
import Foundation
import Morphology
import SpecimenData
import Support
import Testing

@testable import FileTree

@Suite("Planes without an image")
struct MissingPlanesTests {
    /// A cell whose sections 3 (missing), 5 (failed) and 6 (narrower) give volumes no image.
    private func context() throws -> SpecimenContext {
        let folder = FileManager.default.temporaryDirectory
            .appendingPathComponent("neuronfs-gaps-\(UInt64.random(in: 0...UInt64.max))")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let store = try CatalogueStore(path: folder.appendingPathComponent("catalogue.sqlite").path)
        let cell: JSONObject = [
            "specimen__id": .int(7), "specimen__name": "cell", "donor__species": "Mus musculus", "donor__id": .int(1),
            "nrwkf__id": .int(9), "si__path": "/external/min_xy_7.aff",
        ]
        try store.replaceCells(rows: [cell], totalRows: 1, at: 5)
        func plane(_ section: Int, width: Int = 100, failed: Bool = false) -> JSONObject {
            [
                "id": .int(100 + section), "data_set_id": .int(1), "section_number": .int(section), "x": .int(1),
                "y": .int(1), "width": .int(width), "height": .int(80), "image_width": .int(width + 2),
                "image_height": .int(82), "resolution": .number("0.1144"), "tier_count": .int(6),
                "failed": .bool(failed), "image_type": "Primary",
            ]
        }
        let planes = [plane(1), plane(2), plane(4), plane(5, failed: true), plane(6, width: 90), plane(7)]
        try store.saveDetails(subImages: planes, projections: [], reconstructions: [], of: 7, at: 5)
        let snapshot = try #require(try store.loadSnapshot())
        let details = try #require(try store.details(of: 7))
        try store.close()
        let specimen = try #require(snapshot[7])
        return SpecimenContext(
            specimen: specimen, objects: SpecimenObjects(of: specimen, details, endpoint: "http://x"),
            skeletonModified: nil)
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
        let expected = [.instance: 65_535, .distance: 0, .nodes: 0][variant] ?? 255
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
