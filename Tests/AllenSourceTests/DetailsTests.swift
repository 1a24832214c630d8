import Support
import Testing

@testable import AllenSource

@Suite struct DetailsTests {
    private func projection(_ id: Int, _ function: String?, _ axes: String?, _ more: JSONObject = [:]) -> JSONObject {
        var row: JSONObject = [
            "id": .int(id), "axes": axes.map { .string($0) } ?? .null,
            "projection_function": function.map { .string($0) } ?? .null, "x": .int(0), "y": .int(0), "width": .int(50),
            "height": .int(60), "failed": .bool(false),
        ]
        for (key, value) in more.members { row[key] = value }
        return row
    }

    @Test func projectionsByFileName() throws {
        let details = try details(projections: [
            projection(4, "min", "yz"), projection(3, "max", "xy"), projection(2, "min", "xy"),
            projection(9, "min", "xy"), projection(1, "min", "xy"), projection(5, "mean", "xy"),
            projection(6, "min", "xz"), projection(7, "max", "yz", ["failed": .bool(true)]),
            projection(8, nil, nil, ["image_type": .string("MaximumIntensityProjection - yz")]),
            projection(10, "min", "xy", ["width": .null]),
        ])
        #expect(details.projections.map(\.fileName) == ["max_xy.jpg", "max_yz.jpg", "min_xy.jpg", "min_yz.jpg"])
        #expect(details.projections.map(\.imageID) == [3, 8, 9, 4])
        #expect(details.issues.map(\.kind) == [.unusableProjection])
        #expect(details.issues.map(\.count) == [4])
    }

    /// The form of the documented reply, with the trap that the marker's name ends in `.swc`, too.
    private let reconstructions = """
        [{"id":492413272,"specimen_id":313862306,"superseded":false,"well_known_files":[
          {"attachable_id":492413272,"attachable_type":"NeuronReconstruction","id":492413274,
           "download_link":"/api/v2/well_known_file_download/492413274",
           "path":"/external/x_492413272_m.swc","well_known_file_type_id":303941301},
          {"attachable_id":492413272,"id":496605000,"path":"/external/x_marker_m.swc","well_known_file_type_id":486753749},
          {"attachable_id":492413272,"id":492413280,"path":"/external/s.png","well_known_file_type_id":480715721}]},
         {"id":400,"superseded":true,"well_known_files":[
          {"attachable_id":400,"id":402,"well_known_file_type_id":"303941301"},
          {"attachable_id":400,"id":403,"well_known_file_type_id":486753749},
          {"attachable_id":400,"id":null,"well_known_file_type_id":486753749},17]},
         {"id":500,"superseded":false,"well_known_files":[{"id":502,"well_known_file_type_id":303941301}]},
         {"id":600}]
        """

    @Test func theMarkerIsThatOfTheSameReconstruction() throws {
        let details = try details(reconstructions: try Rows.parse(reconstructions))
        #expect(details.files.map(\.id) == [402, 403, 502, 492_413_274, 492_413_280, 496_605_000])
        #expect(details.markerFileID(forSkeleton: 492_413_274) == 496_605_000)
        #expect(details.markerFileID(forSkeleton: 402) == 403)
        #expect(details.markerFileID(forSkeleton: 502) == nil)
        #expect(details.markerFileID(forSkeleton: 999) == nil)
        #expect(details.issues.map(\.count) == [2])
    }

    @Test func partsAreSavedOneByOne() throws {
        let folder = try TemporaryFolder()
        let store = try CatalogueStore(path: folder.database)
        #expect(try store.details(of: 1) == nil)
        try store.saveDetails(projections: [projection(1, "min", "xy")], of: 1, at: 10)
        let first = try #require(try store.details(of: 1))
        #expect(first.parts == [.projections])
        #expect(!first.isComplete)
        #expect(first.stack == nil)
        try store.saveDetails(subImages: [Rows.plane(5, section: 3)], reconstructions: [], of: 1, at: 20)
        let second = try #require(try store.details(of: 1))
        #expect(second.isComplete)
        #expect(second.projections.count == 1)
        #expect(second.stack?.firstSection == 3)
        #expect(second.files.isEmpty)
        #expect(second.fetchedAt == 20)
        try store.saveDetails(projections: [], of: 1, at: 30)
        #expect(try store.details(of: 1)?.projections == [])
        #expect(try store.details(of: 1)?.stack?.planes.count == 1)
        try store.removeDetails(of: 1)
        #expect(try store.details(of: 1) == nil)
        try store.close()
    }

    @Test(.enabled(if: RealData.has("rma"))) func realProjections() throws {
        let reply = try RMAReply.parse(try RealData.bytes("rma/projectionimage_313862022.json"))
        let details = try details(projections: reply.rows)
        #expect(details.issues.isEmpty)
        #expect(details.projections.map(\.fileName) == ["max_xy.jpg", "max_yz.jpg", "min_xy.jpg", "min_yz.jpg"])
        #expect(details.projections.map(\.imageID) == [324_089_927, 324_089_932, 323_637_357, 323_637_359])
        #expect(details.projections.map(\.width) == [5762, 1534, 5762, 1534])
        #expect(details.projections.map(\.height) == [7570, 7570, 7570, 7570])
    }
}
