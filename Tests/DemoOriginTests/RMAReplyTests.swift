import Support
import Testing

@testable import DemoOrigin

@Suite struct RMAReplyTests {
    private static let planes = "model::SubImage,rma::criteria,data_set[specimen_id$eq900000101]"

    @Test func anEmptyReplyIsExactlyTheCaptured85Bytes() {
        let text = TestWorld.query("model::SubImage,rma::criteria,data_set[specimen_id$eq1]", form: "criteria")
        #expect(text == #"{"success": true, "id": 0, "start_row": 0, "num_rows": 0, "total_rows": 0, "msg": []}"#)
        #expect(text.utf8.count == 85)
    }

    @Test func rowsAreCompactWithKeysInAlphabeticalOrder() throws {
        let text = TestWorld.query("model::WellKnownFile,rma::criteria,[id$eq1000001016]")
        #expect(
            text == #"{"success": true, "id": 0, "start_row": 0, "num_rows": 1, "total_rows": 1, "msg": [{"#
                + #""attachable_id":1000001014,"attachable_type":"NeuronReconstruction","#
                + #""download_link":"/api/v2/well_known_file_download/1000001016","id":1000001016,"#
                + #""path":"/external/mousecelltypes/prod201/specimen_900000101/"#
                + #"Rorb-IRES2-Cre_Ai14-1001.03.02.01_1000001014_m.swc","well_known_file_type_id":303941301}]}"#)
        for row in try TestWorld.rows(Self.planes) + TestWorld.rows("model::ApiCellTypesSpecimenDetail") {
            let keys = try #require(row.objectValue).keys
            #expect(keys == keys.sorted())
        }
    }

    @Test func aPageHas50RowsUnlessTold() throws {
        let page = try JSONValue.parse(TestWorld.query(Self.planes))
        #expect(page["num_rows"]?.intValue == 50)
        #expect(page["total_rows"]?.intValue == 120)
        #expect(page["msg"]?.arrayValue?.count == 50)
        let all = try TestWorld.rows(Self.planes + ",rma::options[num_rows$eqall]")
        #expect(all.count == 120)
        let last = try TestWorld.rows(Self.planes + ",rma::options[num_rows$eq50][start_row$eq100]")
        #expect(last == Array(all.suffix(20)))
        let counts = TestWorld.query(Self.planes + ",rma::options[num_rows$eq0]")
        #expect(counts.hasSuffix(#""num_rows": 0, "total_rows": 120, "msg": []}"#))
    }

    @Test func aSwallowedDollarGivesALargerResultInsteadOfAnError() throws {
        let all = try JSONValue.parse(TestWorld.query("model::SubImage,rma::criteria,data_set[specimen_id]"))
        let total = BuiltInCell.all.compactMap(\.images).map(\.sections.count).reduce(0, +)
        #expect(all["total_rows"]?.intValue == total)
        #expect(all["num_rows"]?.intValue == 50)
        #expect(all["success"]?.boolValue == true)
    }

    @Test func thePlanesCanBeAskedForByDataSetToo() throws {
        let bySpecimen = try TestWorld.rows(Self.planes + ",rma::options[num_rows$eqall]")
        let dataSet = try #require(bySpecimen.first?["data_set_id"]?.intValue)
        let byDataSet = try TestWorld.rows(
            "model::SubImage,rma::criteria,[data_set_id$eq\(dataSet)],rma::options[num_rows$eqall]")
        #expect(byDataSet == bySpecimen)
    }

    @Test func orderOnlyExceptAndRanges() throws {
        let rows = try TestWorld.rows(
            Self.planes
                + ",[section_number$gt70],rma::options[order$eq'section_number desc'][only$eq'id,section_number']"
        )
        #expect(rows.first?.objectValue?.keys == ["id", "section_number"])
        let sections = rows.compactMap { $0["section_number"]?.intValue }
        #expect(sections == Array((72...121).reversed().prefix(50)))
        let except = try TestWorld.rows(Self.planes + ",rma::options[except$eqpath,axes][num_rows$eq1]")
        #expect(except.first?.objectValue?.keys.count == 24)
    }

    @Test(arguments: [
        ("[donor__species$eq'Homo Sapiens']", 4), ("[donor__species$ne'Homo Sapiens']", 8),
        ("[line_name$il'*CRE*']", 8), ("[line_name$li'*CRE*']", 0), ("[structure__layer$eq2/3]", 2),
        ("[nrwkf__id$nenull]", 9), ("[nrwkf__id$eqnull]", 3), ("[si__width$gt2000]", 4),
        ("[specimen__id$in900000101,900000105,5]", 2), ("[si__width$gt2000][si__height$lt2500]", 3),
    ])
    func conditionsOnTheCatalogue(filter: String, count: Int) throws {
        let rows = try TestWorld.rows("model::ApiCellTypesSpecimenDetail,rma::criteria,\(filter)")
        #expect(rows.count == count)
    }

    @Test func theFileQueriesOfAllenSDK() throws {
        func link(_ specimen: Int, _ type: String) throws -> String? {
            let rows = try TestWorld.rows(
                "model::Specimen,rma::criteria,[id$eq\(specimen)],neuron_reconstructions(well_known_files),rma::include,"
                    + "neuron_reconstructions(well_known_files(well_known_file_type[name$eq'\(type)'])),"
                    + "rma::options[num_rows$eq'all']")
            let files = rows.first?["neuron_reconstructions"]?.arrayValue?.first?["well_known_files"]?.arrayValue
            #expect(files.map { $0.count == 1 } ?? true)
            return files?.first?["download_link"]?.stringValue
        }
        #expect(try link(900_000_101, "3DNeuronReconstruction") == "/api/v2/well_known_file_download/1000001016")
        #expect(try link(900_000_101, "3DNeuronMarker") != nil)
        #expect(try link(900_000_105, "3DNeuronMarker") == nil, "this cell has no markers")
        #expect(try link(900_000_136, "3DNeuronReconstruction") == nil, "this cell has images and no skeleton")
        let recording = try TestWorld.rows(
            "model::Specimen,rma::criteria,[id$eq900000140],"
                + "ephys_result(well_known_files(well_known_file_type[name$eqNWBDownload])),rma::include,"
                + "ephys_result(well_known_files(well_known_file_type)),rma::options[num_rows$eq'all']")
        let file = recording.first?["ephys_result"]?["well_known_files"]?.arrayValue?.first
        #expect(file?["download_link"]?.stringValue == "/api/v2/well_known_file_download/1000001400")
        #expect(file?["well_known_file_type"]?["name"]?.stringValue == "NWBDownload")
    }

    @Test func theDocumentedFileQueryByModelAndTheOlderForm() throws {
        let rows = try TestWorld.rows(
            "model::NeuronReconstruction,rma::criteria,[specimen_id$eq900000101],rma::include,well_known_files")
        let types = rows.first?["well_known_files"]?.arrayValue?.compactMap { $0["well_known_file_type_id"]?.intValue }
        #expect(types == [303_941_301, 486_753_749, 480_715_721])
        let older = TestWorld.get(
            "/api/v2/data/NeuronReconstruction/query.json?criteria=%5Bspecimen_id$eq900000101%5D"
                + "&include=well_known_files&num_rows=all")
        #expect(try JSONValue.parse(older.bytes)["msg"]?.arrayValue == rows)
        let byID = TestWorld.get("/api/v2/data/SubImage/1100001000.json")
        #expect(try JSONValue.parse(byID.bytes)["msg"]?.arrayValue?.first?["section_number"]?.intValue == 2)
    }

    @Test func featureTablesAndSweeps() throws {
        let features = try TestWorld.rows(
            "model::EphysFeature,rma::criteria,specimen(ephys_result[failed$eqfalse]),rma::options[num_rows$eq'all']")
        #expect(features.count == 12)
        let morphology = try TestWorld.rows(
            "model::NeuronReconstruction,rma::criteria,specimen(ephys_result[failed$eqfalse]),"
                + "rma::options[except$eqtags][num_rows$eq'all']")
        #expect(morphology.count == 9)
        #expect(morphology.allSatisfy { $0["tags"] == nil && $0["scale_factor_z"]?.doubleValue == 0.28 })
        let sweeps = try TestWorld.rows("model::EphysSweep,rma::criteria,[specimen_id$eq900000203]")
        #expect(sweeps.compactMap { $0["sweep_number"]?.intValue } == Array(0..<12))
    }

    @Test(arguments: [
        ("model::Nonsense", 404), ("model::SubImage,rma::criteria,[nonsense$eq1]", 400),
        ("model::SubImage,rma::criteria,nonsense[id$eq1]", 400), ("model::SubImage,rma::options[tabular$eqid]", 400),
        ("", 400),
    ])
    func aFailureSaysSoAndWhy(query: String, status: Int) throws {
        let reply = TestWorld.get("/api/v2/data/query.json?criteria=" + TestWorld.quoted(query))
        #expect(reply.status == status)
        let value = try JSONValue.parse(reply.bytes)
        #expect(value["success"]?.boolValue == false)
        #expect(try !#require(value["msg"]?.stringValue).isEmpty)
    }

    @Test func repliesAreChunkedAndCompressedForAClientThatAsksForIt() throws {
        let target = "/api/v2/data/query.json?q=model::ApiCellTypesSpecimenDetail"
        let plain = TestWorld.get(target)
        guard case .chunked(let bytes) = plain.body else {
            Issue.record("an RMA reply has a length")
            return
        }
        let packed = TestWorld.get(target, headers: ["accept-encoding": "gzip, deflate"])
        #expect(packed.header("content-encoding") == "gzip")
        #expect(packed.bytes.prefix(3) == [0x1F, 0x8B, 8])
        let trailer = packed.bytes.suffix(4).reversed().reduce(0) { $0 << 8 | Int($1) }
        #expect(trailer == bytes.count, "the last word of a gzip member is the size of what it holds")
    }
}
