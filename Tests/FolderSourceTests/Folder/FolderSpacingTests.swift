import Specimens
import Support
import TestTools
import Testing

@testable import FolderSource

/// How far apart voxels are, and who says it.
@Suite struct FolderSpacingTests {
    /// ImageJ's description with a spacing of 3 um in z, and 4 and 2 px in a um: resolutions in the unit of the text.
    private static let texts: [UInt32: String] = [270: "ImageJ=1.53t\nimages=2\nslices=2\nunit=um\nspacing=3\n"]
    private static let floats: [UInt32: Double] = [282: 4, 283: 2]

    private func spacing(_ bench: FolderBench) throws -> VoxelSpacing? { try bench.objects("a").stack?.spacing }

    @Test func metaComesFirstThenTheTagsThenTheOption() throws {
        let folder = try TestFolder()
        try folder.tiff("a/a.tif", texts: Self.texts, floats: Self.floats, numbers: [296: 1])
        try folder.write("a/meta.json", #"{"stack": {"voxel_spacing_um": [7, 6, 5]}}"#)
        let bench = try FolderBench(folder)
        defer { bench.close() }
        #expect(try spacing(bench) == VoxelSpacing(x: 5, y: 6, z: 7))
        #expect(try bench.objects("a").provenance["voxel_spacing_from"] == "meta.json")

        try folder.write("a/meta.json", "{}")
        _ = try bench.rescan()
        #expect(try spacing(bench) == VoxelSpacing(x: 0.25, y: 0.5, z: 3))
        #expect(try bench.objects("a").provenance["voxel_spacing_from"] == "TIFF tags")

        try folder.tiff("a/a.tif")
        _ = try bench.rescan()
        #expect(try spacing(bench) == VoxelSpacing(x: 0.5, y: 0.25, z: 2))
        #expect(try bench.objects("a").provenance["voxel_spacing_from"] == "mount option")

        try folder.tiff("a/a.tif", floats: [282: 20_000, 283: 10_000], numbers: [296: 3])
        _ = try bench.rescan()
        #expect(try spacing(bench) == VoxelSpacing(x: 0.5, y: 1, z: 2))
        #expect(try bench.objects("a").provenance["voxel_spacing_from"] == "TIFF tags and mount option")
    }

    @Test func imagesWithoutASpacingAreNotShown() throws {
        let folder = try TestFolder()
        try folder.tiff("a/a.tif")
        try folder.write("a/a.swc", "")
        let bench = try FolderBench(folder, options: "")
        defer { bench.close() }
        #expect(try bench.specimen("a").isTrainable)
        #expect(try bench.objects("a").stack == nil && bench.objects("a").skeleton != nil)
        // From the next look at the folder on, the list says so, too.
        #expect(try bench.rescan().generation == 2)
        #expect(try !bench.specimen("a").hasImages && bench.specimen("a").hasSkeleton)
        #expect(try bench.objects("a").stack == nil)
        #expect(bench.log.messages(.warning).count == 1)

        try folder.write("a/meta.json", #"{"stack": {"voxel_spacing_um": [1, 1, 1]}}"#)
        _ = try bench.rescan()
        #expect(try bench.specimen("a").isTrainable && bench.objects("a").stack?.depth == 2)
    }

    @Test func tagsThatCannotBeTrueAreRefused() throws {
        let folder = try TestFolder()
        try folder.tiff("a/a.tif", texts: Self.texts, floats: [282: 1e-9, 283: 1e-9], numbers: [296: 1])
        let bench = try FolderBench(folder)
        defer { bench.close() }
        #expect(try bench.objects("a").stack == nil && bench.log.messages(.warning).count == 1)
    }

    @Test(arguments: ["{", "[1]", #"{"stack": {"voxel_spacing_um": [0, 1, 1]}}"#, #"{"skeleton_units": "mm"}"#])
    func aDamagedMetaPlacesNoImages(_ text: String) throws {
        let folder = try TestFolder()
        try folder.tiff("a/a.tif")
        try folder.write("a/a.swc", "x")
        try folder.write("a/meta.json", text)
        let bench = try FolderBench(folder)
        defer { bench.close() }
        #expect(bench.log.messages(.warning).count == 1)
        let objects = try bench.objects("a")
        #expect(objects.stack == nil && objects.skeleton != nil)
        #expect(try !bench.specimen("a").hasImages && bench.log.messages(.warning).count == 1)
    }

    @Test func aMetaOfMoreThanAMebibyteIsNotRead() throws {
        let folder = try TestFolder()
        try folder.write("a/a.swc", "x")
        try folder.write("a/meta.json", #"{"donor": "A"}"# + String(repeating: " ", count: PairMeta.longest))
        let bench = try FolderBench(folder)
        defer { bench.close() }
        #expect(try bench.specimen("a").donorName == "a" && bench.log.messages(.warning).count == 1)
    }

    @Test func unitsAndOffsetReachTheObjects() throws {
        let folder = try TestFolder()
        try folder.tiff("a/a.tif")
        try folder.write("a/a.swc", "x")
        try folder.write("a/meta.json", #"{"skeleton_units": "nm", "stack": {"offset_in_full_frame_px": [3, 2]}}"#)
        let bench = try FolderBench(folder)
        defer { bench.close() }
        let objects = try bench.objects("a")
        #expect(objects.skeletonUnits == .nm && objects.stack?.x == 2 && objects.stack?.y == 3)
        #expect(objects.stack?.frameWidth == 47 && objects.stack?.frameHeight == 40)
    }
}
