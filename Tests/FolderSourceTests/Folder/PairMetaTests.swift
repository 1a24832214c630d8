import Specimens
import Support
import Testing

@testable import FolderSource

@Suite struct PairMetaTests {
    private func meta(_ text: String) throws -> PairMeta { try PairMeta(Array(text.utf8)) }

    @Test func everyMemberThatTheMountWritesIsRead() throws {
        let meta = try meta(
            """
            {"format": "neuronfs meta 1", "species": "mouse", "donor": "A1", "skeleton": {"units": "um"},
             "stack": {"voxel_spacing_um": [0.28, 0.1144, 0.12], "offset_in_full_frame_px": [2, 1], "shape": [3, 4, 5]},
             "catalogue": {"structure__layer": "2/3", "donor__id": 12, "line_name": null, "nr__reconstruction_type": ""}}
            """)
        #expect(meta.spacing == VoxelSpacing(x: 0.12, y: 0.1144, z: 0.28) && (meta.x, meta.y) == (1, 2))
        #expect(meta.units == .um && meta.species == "mouse" && meta.donor == "A1")
        #expect(meta.catalogueText("structure__layer") == "2/3" && meta.catalogueText("donor__id") == "12")
        #expect(meta.catalogueText("line_name") == nil && meta.catalogueText("nr__reconstruction_type") == nil)
    }

    @Test(arguments: ["{}", #"{"stack": {}}"#, #"{"stack": {"voxel_spacing_um": null}, "species": null, "donor": ""}"#])
    func absentMembersSayNothing(_ text: String) throws { #expect(try meta(text) == PairMeta()) }

    @Test func theUnitsOfTheTopComeFirst() throws {
        #expect(try meta(#"{"skeleton_units": "px", "skeleton": {"units": "um"}}"#).units == .px)
        #expect(try meta(#"{"donor": 12}"#).donor == "12" && meta("{\"donor\": \"a\\u0000\"}").donor == "a\u{FFFD}")
    }

    @Test(arguments: [
        "", "[]", "{", "\u{FEFF}{}", #"{"skeleton_units": "mm"}"#, #"{"skeleton_units": 1}"#, #"{"species": {}}"#,
        #"{"donor": true}"#, #"{"stack": {"voxel_spacing_um": 1}}"#, #"{"stack": {"voxel_spacing_um": [1, 1]}}"#,
        #"{"stack": {"voxel_spacing_um": [1, 1, 0]}}"#, #"{"stack": {"voxel_spacing_um": [1, -1, 1]}}"#,
        #"{"stack": {"voxel_spacing_um": [1, 1, 1e7]}}"#, #"{"stack": {"voxel_spacing_um": [1, 1, 1e999]}}"#,
        #"{"stack": {"voxel_spacing_um": ["1", "1", "1"]}}"#, #"{"stack": {"voxel_spacing_um": [1, 1, null]}}"#,
        #"{"stack": {"offset_in_full_frame_px": [1]}}"#, #"{"stack": {"offset_in_full_frame_px": [1, -1]}}"#,
        #"{"stack": {"offset_in_full_frame_px": [1, 9e15]}}"#, #"{"stack": {"offset_in_full_frame_px": "1"}}"#,
        String(repeating: "[", count: 100_000),
    ])
    func aDamagedFileIsRefused(_ text: String) {
        #expect(throws: PairMetaFault.self) { try meta(text) }
    }
}
