import Foundation
import Support
import Testing

@testable import DemoOrigin

/// Compares with the captured replies and the catalogue, when the machine has them.
@Suite(.enabled(if: RealData.directory != nil)) struct RealDataTests {
    private static let router = Result { Router(world: try World.load(directory: RealData.directory ?? "")) }

    private func reply(_ query: String) throws -> [UInt8] {
        TestWorld.get(
            "/api/v2/data/query.json?criteria=" + TestWorld.quoted(query), router: try Self.router.get()
        ).bytes
    }

    private func captured(_ name: String) throws -> [UInt8] {
        Array(try Data(contentsOf: URL(fileURLWithPath: (RealData.directory ?? "") + "/rma/" + name)))
    }

    @Test func capturedRepliesComeOutByteForByte() throws {
        let planes = try reply("model::SubImage,rma::criteria,data_set[specimen_id$eq313862022]")
        #expect(planes.count == 27_729)
        #expect(planes == (try captured("subimage_313862022_first50of627.json")))
        let projections = try reply("model::ProjectionImage,rma::criteria,[specimen_id$eq313862022]")
        #expect(projections.count == 2368)
        #expect(projections == (try captured("projectionimage_313862022.json")))
        let empty = try reply("model::SubImage,rma::criteria,data_set[specimen_id$eq4]")
        #expect(empty == (try captured("empty_result.json")))
    }

    /// A made row must have the form of the captured ones: the same keys, the same kinds of values.
    @Test func rowsThatAreNotCapturedHaveTheFormOfThoseThatAre() throws {
        let rows = try JSONValue.parse(
            reply("model::SubImage,rma::criteria,data_set[specimen_id$eq313862022],rma::options[num_rows$eqall]"))
        let all = try #require(rows["msg"]?.arrayValue)
        #expect(all.count == 627)
        #expect(all.compactMap { $0["section_number"]?.intValue } == Array(2..<629))
        let (first, last) = (try #require(all.first?.objectValue), try #require(all.last?.objectValue))
        #expect(first.keys == last.keys)
        for key in first.keys where !["id", "path", "section_number"].contains(key) {
            #expect(first[key] == last[key], "\(key)")
        }
        let ids = all.compactMap { $0["id"]?.intValue }
        #expect(ids == ids.sorted() && Set(ids).count == 627)
        for id in [ids[3], ids[49], ids[50], ids[626]] {
            let download = TestWorld.get("/api/v2/section_image_download/\(id)", router: try Self.router.get())
            let target = try #require(download.header("location")?.split(separator: "/", maxSplits: 2).last)
            let tile = "/" + target.replacing("width=5760&height=7568", with: "width=16&height=16")
            #expect(TestWorld.get(tile, router: try Self.router.get()).status == 200, "\(tile)")
        }
    }

    @Test func theCatalogueIsCompleteAndTyped() throws {
        let value = try JSONValue.parse(
            reply("model::ApiCellTypesSpecimenDetail,rma::options[num_rows$eqall]"))
        let rows = try #require(value["msg"]?.arrayValue)
        #expect(rows.count == 2333)
        #expect(rows.filter { $0["si__width"]?.intValue != nil }.count == 942)
        #expect(rows.filter { $0["nrwkf__id"]?.intValue != nil }.count == 668)
        #expect(rows.filter { $0["donor__species"] == .string("Homo Sapiens") }.count == 413)
        let cell = try #require(rows.first { $0["specimen__id"]?.intValue == 485_909_730 })
        #expect(cell["csl__x"] == .number("8881.0"))
        #expect(cell["structure__name"] == .string("\"Primary visual area, layer 5\""))
        #expect(cell["donor__age"] == .string(""))
        #expect(cell["structure__layer"] == .string("5"))
        #expect(
            cell["si__path"]?.stringValue == "/external/mousecelltypes/prod506/specimen_485909730/min_xy_485909730.aff")
    }

    @Test func realFilesAreServedUntouchedAndStacksHaveTheirMeasuredPlanes() throws {
        let router = try Self.router.get()
        let swc = TestWorld.get("/api/v2/well_known_file_download/397905350", router: router)
        let file = try Data(contentsOf: URL(fileURLWithPath: (RealData.directory ?? "") + "/swc/313862022.swc"))
        #expect(swc.bytes == Array(file))
        let human = try #require(router.world.cell(specimen: 529_878_215))
        let stack = try #require(try router.world.stack(human))
        #expect(stack.sections == Array(26..<546))
        #expect(stack.yzWidth == 1333 || stack.yzWidth == 1334)
        #expect(
            router.world.cell(specimen: 694_146_546)?.neuron.map { if case .file = $0 { true } else { false } } != true)
    }
}

enum RealData {
    /// `$NEURONFS_REAL_DATA`, or the folder beside the repository.
    static let directory: String? = {
        let beside = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent().appendingPathComponent("shared/allen").path
        let candidates = [ProcessInfo.processInfo.environment["NEURONFS_REAL_DATA"], beside]
        return candidates.compactMap { $0 }.first {
            FileManager.default.fileExists(atPath: $0 + "/cell_types_specimen_details.csv")
        }
    }()
}
