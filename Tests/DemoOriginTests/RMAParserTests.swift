import Testing

@testable import DemoOrigin

/// Queries from the documentation, or from clients in use (docs/DATA.md 1 to 3).
@Suite struct RMAParserTests {
    @Test func theCatalogueAllRowsQuotedOrNot() throws {
        var expected = RMAQuery(model: "ApiCellTypesSpecimenDetail")
        expected.options.rowLimit = nil
        for all in ["all", "'all'"] {
            let text = "model::ApiCellTypesSpecimenDetail,rma::options[num_rows$eq\(all)]"
            #expect(try RMAParser.query(text) == expected)
        }
    }

    @Test func thePlanesOfACell() throws {
        let query = try RMAParser.query(
            "model::SubImage,rma::criteria,data_set[specimen_id$eq313862022],rma::options[num_rows$eqall]")
        let filter = RMAFilter(field: "specimen_id", comparison: .equal, values: ["313862022"])
        #expect(query.criteria == [RMAAssociation(name: "data_set", filters: [filter])])
        #expect(query.filters.isEmpty)
        #expect(query.options.rowLimit == nil)
    }

    @Test func theReconstructionQueryOfAllenSDK() throws {
        let query = try RMAParser.query(
            "model::Specimen,rma::criteria,[id$eq313862022],neuron_reconstructions(well_known_files),rma::include,"
                + "neuron_reconstructions(well_known_files(well_known_file_type[name$eq'3DNeuronReconstruction'])),"
                + "rma::options[num_rows$eq'all']")
        let files = RMAAssociation(name: "well_known_files")
        #expect(query.filters == [RMAFilter(field: "id", comparison: .equal, values: ["313862022"])])
        #expect(query.criteria == [RMAAssociation(name: "neuron_reconstructions", children: [files])])
        let type = RMAAssociation(
            name: "well_known_file_type",
            filters: [RMAFilter(field: "name", comparison: .equal, values: ["3DNeuronReconstruction"])])
        let typed = RMAAssociation(name: "well_known_files", children: [type])
        #expect(query.includes == [RMAAssociation(name: "neuron_reconstructions", children: [typed])])
    }

    @Test func anAssociationMayHaveItsBracketsBehindItsParentheses() throws {
        let query = try RMAParser.query("model::Specimen,rma::criteria,a(b(c),d[x$gt1])[y$lt2][z$ne'it''s']")
        let d = RMAAssociation(name: "d", filters: [RMAFilter(field: "x", comparison: .greater, values: ["1"])])
        let b = RMAAssociation(name: "b", children: [RMAAssociation(name: "c")])
        let filters = [
            RMAFilter(field: "y", comparison: .less, values: ["2"]),
            RMAFilter(field: "z", comparison: .notEqual, values: ["it's"]),
        ]
        #expect(query.criteria == [RMAAssociation(name: "a", filters: filters, children: [b, d])])
    }

    @Test func listsPatternsAndNull() throws {
        let query = try RMAParser.query(
            "model::X,rma::criteria,[name$in'Mouse Cell Types','Human, Cell Types'][id$in1,2][n$il'*cre*'][m$eqnull]")
        #expect(
            query.filters == [
                RMAFilter(field: "name", comparison: .oneOf, values: ["Mouse Cell Types", "Human, Cell Types"]),
                RMAFilter(field: "id", comparison: .oneOf, values: ["1", "2"]),
                RMAFilter(field: "n", comparison: .ilike, values: ["*cre*"]),
                RMAFilter(field: "m", comparison: .equal, values: [nil]),
            ])
    }

    @Test func allOptions() throws {
        let options = try RMAParser.query(
            "model::X,rma::options[num_rows$eq10][start_row$eq20][order$eq'a desc,tables.b'][only$eqc,d][except$eq'e,f']"
                + "[count$eqfalse][debug$eqtrue]"
        ).options
        #expect(options.rowLimit == 10)
        #expect(options.startRow == 20)
        #expect(options.order.map(\.field) == ["a", "b"])
        #expect(options.order.map(\.descending) == [true, false])
        #expect(options.only == ["c", "d"])
        #expect(options.except == ["e", "f"])
        #expect(!options.counts)
    }

    @Test func aSwallowedDollarLeavesABracketThatSelectsNothing() throws {
        let query = try RMAParser.query("model::SubImage,rma::criteria,data_set[specimen_id],rma::options[num_rows]")
        #expect(query.criteria == [RMAAssociation(name: "data_set")])
        #expect(query.options == RMAOptions())
    }

    @Test func aPathThatNamesTheModelMayBeFollowedByBareCriteria() throws {
        let query = try RMAParser.query("[specimen_id$eq7],rma::options[num_rows$eq3]", model: "ProjectionImage")
        #expect(query.model == "ProjectionImage")
        #expect(query.filters == [RMAFilter(field: "specimen_id", comparison: .equal, values: ["7"])])
        #expect(query.options.rowLimit == 3)
    }

    @Test(arguments: [
        "", "rma::options[num_rows$eqall]", "model::", "model::X,rma::criteria,[a$eq1",
        "model::X,rma::criteria,[a$zz1]",
        "model::X,rma::criteria,a(b", "model::X,rma::criteria,[a$eq'b]", "model::X nonsense", "model::X,,",
        "model::X,rma::options[num_rows$eqmany]", "model::X,rma::options[colour$eqred]", "pipe::list",
        "model::X,rma::criteria," + String(repeating: "a(", count: 100),
    ])
    func whatIsNoQueryIsAnError(text: String) {
        #expect(throws: RMAError.self) { try RMAParser.query(text) }
    }
}
