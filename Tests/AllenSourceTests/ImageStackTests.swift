import Specimens
import Support
import Testing

@testable import AllenSource

@Suite struct ImageStackTests {
    private func stack(_ rows: [JSONObject]) throws -> ImageStack {
        try #require(try details(subImages: rows).stack)
    }

    private func kinds(_ rows: [JSONObject]) throws -> [CatalogueIssue.Kind: Int] {
        let issues = try details(subImages: rows).issues
        return Dictionary(uniqueKeysWithValues: issues.map { ($0.kind, $0.count) })
    }

    @Test func indexIsTheDistanceFromTheFirstSection() throws {
        let stack = try stack([28, 26, 27, 31].map { Rows.plane(100 + $0, section: $0) })
        #expect(stack.firstSection == 26)
        #expect(stack.depth == 6)
        #expect(stack.planes.map(\.sectionNumber) == [26, 27, 28, 31])
        #expect((0..<6).map { stack.plane(at: $0)?.imageID } == [126, 127, 128, nil, nil, 131])
        #expect(stack.plane(at: -1) == nil)
        #expect(stack.plane(at: 6) == nil)
        #expect(stack.planes.map(stack.index) == [0, 1, 2, 5])
    }

    @Test func noRowsAreNoStack() throws {
        let empty = try details(subImages: [])
        #expect(empty.stack == nil)
        #expect(empty.parts == [.subImages])
    }

    @Test func aFailedPlaneIsAGapButHoldsItsPlace() throws {
        let rows = [
            Rows.plane(1, section: 5, ["failed": .bool(true)]), Rows.plane(2, section: 6), Rows.plane(3, section: 7),
            Rows.plane(4, section: 8, ["failed": .bool(true)]),
        ]
        let stack = try stack(rows)
        #expect(stack.firstSection == 5)
        #expect(stack.depth == 4)
        #expect(stack.planes.map(\.imageID) == [2, 3])
        #expect(stack.failedPlanes.map(\.imageID) == [1, 4])
        #expect((0..<4).map { stack.plane(at: $0)?.imageID } == [nil, 2, 3, nil])
        #expect(try kinds(rows) == [.failedImage: 2])
        #expect(try details(subImages: [rows[0]]).stack == nil)
    }

    @Test func ofTwoPlanesOfASectionTheLaterPictureStays() throws {
        let rows = [
            Rows.plane(10, section: 1), Rows.plane(30, section: 1), Rows.plane(20, section: 1),
            Rows.plane(11, section: 2), Rows.plane(12, section: 2, ["failed": .bool(true)]),
        ]
        let stack = try stack(rows)
        #expect(stack.planes.map(\.imageID) == [30, 11])
        #expect(stack.failedPlanes.isEmpty)
        #expect(try kinds(rows) == [.duplicateSection: 3])
    }

    @Test func theFrameIsThatOfMostPlanes() throws {
        let other: JSONObject = ["width": .int(90), "image_width": .int(92)]
        let rows = [Rows.plane(1, section: 1, other), Rows.plane(2, section: 2), Rows.plane(3, section: 3)]
        let stack = try stack(rows)
        #expect(stack.width == 100)
        #expect(stack.frameWidth == 102)
        #expect(!stack.planes.allSatisfy(stack.isFramed))
        #expect(stack.plane(at: 0)?.width == 90)
        #expect(try kinds(rows) == [.unequalSize: 1])
        let tie = try self.stack(Array(rows.prefix(2)))
        #expect(tie.width == 90)
    }

    @Test func rowsThatCannotBePlanesArePassedOver() throws {
        let rows = [
            Rows.plane(1, section: 1), Rows.plane(2, section: nil), Rows.plane(3, section: 2, ["width": .int(0)]),
            Rows.plane(4, section: 3, ["height": .int(70000)]), Rows.plane(5, section: 4, ["id": .null]),
            Rows.plane(6, section: 20_000), ["id": .int(9)], [:],
        ]
        let stack = try stack(rows)
        #expect(stack.planes.map(\.imageID) == [1])
        #expect(stack.depth == 1)
        #expect(try kinds(rows) == [.unusableImage: 7])
    }

    /// Numbers that no database has, in each field that is calculated with.
    @Test(arguments: ["-9223372036854775808", "9223372036854775807", "9e9", "-1e300", "1e999", "NaN", "0", "\"x\""])
    func absurdNumbersAreNoPlanesOrDefaults(_ text: String) throws {
        let value = text.hasPrefix("\"") || text == "NaN" ? JSONValue.string(text) : .number(text)
        let fields = ["section_number", "x", "y", "width", "height", "image_width", "image_height", "resolution"]
        for field in fields + ["tier_count", "data_set_id", "id"] {
            let stack = try details(subImages: [Rows.plane(1, section: 0, [field: value])]).stack
            #expect(stack?.depth ?? 1 == 1)
            #expect((0.001...1000).contains(stack?.spacing.x ?? 1))
            #expect((0...65535).contains(stack?.x ?? 0) && (1...65535).contains(stack?.width ?? 1))
        }
    }

    @Test func theLargestDataSetIsTheStack() throws {
        let small: JSONObject = ["data_set_id": .int(2), "resolution": .number("0.3")]
        let rows =
            [Rows.plane(1, section: 1, small), Rows.plane(2, section: 9, small)]
            + (3...6).map { Rows.plane($0, section: $0) }
        #expect(try stack(rows).planes.map(\.imageID) == [3, 4, 5, 6])
        #expect(try kinds(rows) == [.foreignImage: 2])
    }

    @Test func onlyPrimaryImagesAreTheStackUnlessThereAreNone() throws {
        let thumbnail: JSONObject = ["image_type": .string("Thumbnail")]
        let rows = [Rows.plane(1, section: 1, thumbnail), Rows.plane(2, section: 5)]
        #expect(try stack(rows).planes.map(\.imageID) == [2])
        #expect(try stack([rows[0]]).planes.map(\.imageID) == [1])
    }

    @Test func absentFieldsHaveDefaults() throws {
        let row: JSONObject = [
            "id": .string("12"), "section_number": .string("4"), "width": .int(10), "height": .number("20.0"),
        ]
        let plane = try #require(try stack([row]).plane(at: 0))
        #expect(plane.imageID == 12)
        #expect(plane.sectionNumber == 4)
        #expect((plane.x, plane.y) == (0, 0))
        #expect((plane.frameWidth, plane.frameHeight) == (10, 20))
        #expect(plane.xSpacing == 0.1144 && plane.ySpacing == 0.1144)
    }

    @Test(.enabled(if: RealData.has("rma"))) func realStack() throws {
        let reply = try RMAReply.parse(try RealData.bytes("rma/subimage_313862022_first50of627.json"))
        let details = try details(subImages: reply.rows)
        let stack = try #require(details.stack)
        #expect(details.issues.isEmpty)
        #expect(stack.firstSection == 2)
        #expect(stack.depth == 50)
        #expect(stack.planes.count == 50)
        #expect(stack.planes.allSatisfy(stack.isFramed))
        #expect((stack.x, stack.y, stack.width, stack.height) == (1, 1, 5760, 7568))
        #expect((stack.frameWidth, stack.frameHeight) == (5762, 7570))
        #expect(stack.spacing == VoxelSpacing(xy: 0.1144, z: 0.28))
        let first = try #require(stack.plane(at: 0))
        #expect(first.imageID == 321_549_654)
        #expect(stack.plane(at: 1)?.imageID == 321_549_675)
        #expect(stack.plane(at: 49)?.sectionNumber == 51)
    }
}
