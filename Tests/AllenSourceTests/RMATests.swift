import Foundation
import Testing

@testable import AllenSource

@Suite struct RMATests {
    private let base = "https://api.brain-map.org"

    private func criteria(_ url: String) throws -> String {
        let parts = url.components(separatedBy: "?criteria=")
        #expect(parts.count == 2)
        #expect(parts[0] == "https://api.brain-map.org/api/v2/data/query.json")
        let query = try #require(parts.last)
        #expect(!query.contains("$"))
        return try #require(query.removingPercentEncoding)
    }

    @Test func queriesAreThoseOfTheDocumentation() throws {
        #expect(
            try criteria(RMA.cellsURL(base: base))
                == "model::ApiCellTypesSpecimenDetail,rma::options[num_rows$eqall]")
        #expect(
            try criteria(RMA.cellsURL(base: base, startRow: 2000))
                == "model::ApiCellTypesSpecimenDetail,rma::options[num_rows$eqall][start_row$eq2000]")
        #expect(
            try criteria(RMA.subImagesURL(base: base, specimenID: 313_862_022))
                == "model::SubImage,rma::criteria,data_set[specimen_id$eq313862022],rma::options[num_rows$eqall]")
        #expect(
            try criteria(RMA.subImagesURL(base: base, specimenID: 1, startRow: 50))
                == "model::SubImage,rma::criteria,data_set[specimen_id$eq1],rma::options[num_rows$eqall][start_row$eq50]"
        )
        #expect(
            try criteria(RMA.projectionsURL(base: base, specimenID: 313_862_022))
                == "model::ProjectionImage,rma::criteria,[specimen_id$eq313862022],rma::options[num_rows$eqall]")
        #expect(
            try criteria(RMA.reconstructionsURL(base: base, specimenID: 313_862_306))
                == "model::NeuronReconstruction,rma::criteria,[specimen_id$eq313862306],rma::include,well_known_files,"
                + "rma::options[num_rows$eqall]")
    }

    @Test func theEncodingIsThatOfRFC3986() {
        #expect(
            RMA.cellsURL(base: base)
                == "https://api.brain-map.org/api/v2/data/query.json?criteria="
                + "model::ApiCellTypesSpecimenDetail,rma::options%5Bnum_rows%24eqall%5D")
    }

    @Test func downloads() {
        #expect(
            RMA.fileURL(base: "http://127.0.0.1:8080/", fileID: 491_771_448)
                == "http://127.0.0.1:8080/api/v2/well_known_file_download/491771448")
        let url = RMA.imageURL(base: base, imageID: 321_549_654, left: 1, top: 2, width: 512, height: 256)
        #expect(
            url == "https://api.brain-map.org/api/v2/section_image_download/321549654"
                + "?left=1&top=2&width=512&height=256&downsample=0")
        #expect(
            RMA.imageURL(base: base, imageID: 5, left: 0, top: 0, width: 9, height: 8, downsample: 3)
                .hasSuffix("/5?left=0&top=0&width=9&height=8&downsample=3"))
    }
}
