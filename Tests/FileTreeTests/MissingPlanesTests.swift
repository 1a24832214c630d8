import Morphology
import Specimens
import Support
import Testing

@testable import FileTree

@Suite struct MissingPlanesTests {
    /// A cell whose sections 3 (missing), 5 (failed) and 6 (narrower) give volumes no image.
    private func context() throws -> SpecimenContext {
        func plane(_ section: Int, width: Int = 100, failed: Bool = false) -> PlaneImage {
            PlaneImage(
                imageID: 100 + section, sectionNumber: section, x: 1, y: 1, width: width, height: 80,
                frameWidth: width + 2, frameHeight: 82, xSpacing: 0.1144, ySpacing: 0.1144, failed: failed)
        }
        let planes = [plane(1), plane(2), plane(4), plane(5, failed: true), plane(6, width: 90), plane(7)]
        let skeleton = ObjectID.file(9, of: 7)
        let specimen = Specimen(
            id: 7, name: "cell", place: Place(.mouse, 7), species: .mouse, skeleton: skeleton, hasImages: true,
            row: RowText([:]))
        let objects = SpecimenObjects(
            stack: ImageStack(planes: planes, zSpacing: 0.28), spacing: VoxelSpacing(xy: 0.1144, z: 0.28),
            skeleton: SourceObject(id: skeleton))
        return SpecimenContext(
            specimen: specimen, objects: objects, skeletonModified: nil)
    }

    @Test func planesThatAreMissingFailedOrOfAnotherSizeHaveNoImageInVolumes() throws {
        let context = try context()
        #expect(context.gaps == [2, 4, 5])
        #expect((0..<7).map { context.volumePlane(at: $0)?.imageID } == [101, 102, nil, 104, nil, nil, 107])
    }

    @Test(arguments: LabelVariant.allCases)
    func metaJsonTellsWhichPlanesHaveNoImageAndWhatTheLabelsAreThere(_ variant: LabelVariant) throws {
        let bytes = MetaJSON(context: try context(), reading: nil, mainVariant: variant).bytes
        let meta = try JSONValue.parse(bytes)
        #expect(meta["stack"]?["missing_planes"]?.arrayValue?.map(\.intValue) == [2, 4])
        #expect(meta["stack"]?["planes_without_image"]?.arrayValue?.map(\.intValue) == [2, 4, 5])
        let expected = [.instance: 65_535, .distance: 0, .nodes: 0][variant] ?? 255
        #expect(meta["labels"]?["value_without_image"]?.intValue == expected)
    }

    @Test(arguments: [LabelVariant.classes, .classes3, .binary])
    func labelsOfOMEZarrNameTheValuesTheyHave(_ variant: LabelVariant) throws {
        let store = try #require(ZarrStore(try context(), .labels, main: variant))
        let found = store.image.label?.classes.map { "\($0.value) \($0.name)" }
        let expected: [LabelVariant: [String]] = [
            .classes: ["1 soma", "2 axon", "3 basal dendrite", "4 apical dendrite", "255 unknown"],
            .classes3: ["1 soma", "2 axon", "3 dendrite", "255 unknown"], .binary: ["1 neuron", "255 unknown"],
        ]
        #expect(found == expected[variant])
    }
}
