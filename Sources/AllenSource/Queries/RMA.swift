/// The URLs of the Allen Brain Atlas API, in the forms of the official client and documentation (docs/DATA.md 1, 4 and 5).
///
/// `base` is scheme and host, for example `https://api.brain-map.org`, with or without a final slash. `$` is written as
/// `%24`, because without `$eq...` the API answers with a larger result instead of an error.
package enum RMA {
    /// Every cell with all its fields; from row `startRow` on, to continue where a reply was cut short.
    package static func cellsURL(base: String, startRow: Int = 0) -> String {
        query(base, "model::ApiCellTypesSpecimenDetail", options: "[num_rows$eqall]", startRow: startRow)
    }

    /// The planes of a cell's image stack. The API's page is 50 rows unless all are asked for.
    package static func subImagesURL(base: String, specimenID: Int, startRow: Int = 0) -> String {
        query(
            base, "model::SubImage,rma::criteria,data_set[specimen_id$eq\(specimenID)]", options: "[num_rows$eqall]",
            startRow: startRow)
    }

    /// The minimum and maximum projections of a cell.
    package static func projectionsURL(base: String, specimenID: Int, startRow: Int = 0) -> String {
        query(
            base, "model::ProjectionImage,rma::criteria,[specimen_id$eq\(specimenID)]", options: "[num_rows$eqall]",
            startRow: startRow)
    }

    /// The reconstructions of a cell, each with its files: SWC, marker, picture.
    package static func reconstructionsURL(base: String, specimenID: Int, startRow: Int = 0) -> String {
        query(
            base,
            "model::NeuronReconstruction,rma::criteria,[specimen_id$eq\(specimenID)],rma::include,well_known_files",
            options: "[num_rows$eqall]", startRow: startRow)
    }

    /// The bytes of a well known file.
    package static func fileURL(base: String, fileID: Int) -> String {
        "\(trimmed(base))/api/v2/well_known_file_download/\(fileID)"
    }

    /// A rectangle of a plane or a projection as JPEG.
    ///
    /// - Parameters:
    ///   - left: of the rectangle, full-resolution pixels of the full frame: a plane's own corner is (its x, its y).
    ///   - top: as `left`.
    ///   - width: of the rectangle. With `downsample` above 0 the documentation and measurements disagree about the
    ///     unit: take the size of the picture from its header.
    ///   - height: as `width`.
    ///   - downsample: number of halvings.
    package static func imageURL(
        base: String, imageID: Int, left: Int, top: Int, width: Int, height: Int, downsample: Int = 0
    ) -> String {
        "\(trimmed(base))/api/v2/section_image_download/\(imageID)"
            + "?left=\(left)&top=\(top)&width=\(width)&height=\(height)&downsample=\(downsample)"
    }

    private static func query(_ base: String, _ stages: String, options: String, startRow: Int) -> String {
        let start = startRow > 0 ? "[start_row$eq\(startRow)]" : ""
        return "\(trimmed(base))/api/v2/data/query.json?criteria=\(encoded("\(stages),rma::options\(options)\(start)"))"
    }

    private static func trimmed(_ base: String) -> String {
        var base = base
        while base.hasSuffix("/") { base.removeLast() }
        return base
    }

    /// Percent-encodes all but the unreserved characters of RFC 3986 and the `,:()` of the query language.
    private static func encoded(_ text: String) -> String {
        let plain = Set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~,:()".utf8)
        var result: [UInt8] = []
        for byte in text.utf8 {
            if plain.contains(byte) {
                result.append(byte)
            } else {
                let digits = String(byte, radix: 16, uppercase: true)
                result.append(contentsOf: (digits.utf8.count < 2 ? "%0" : "%").utf8)
                result.append(contentsOf: digits.utf8)
            }
        }
        return String(decoding: result, as: UTF8.self)
    }
}
