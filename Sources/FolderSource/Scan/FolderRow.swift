internal import Specimens
internal import Support

/// The row of a specimen in cells.csv, with the columns of the Allen Institute's table, so that one program reads both.
enum FolderRow {
    /// The columns that meta.json may fill in, as its member `catalogue` has them.
    private static let described = [
        "structure__acronym", "structure_parent__acronym", "structure__layer", "line_name", "tag__dendrite_type",
        "nr__reconstruction_type",
    ]

    /// All columns.
    static let columns =
        ["specimen__id", "specimen__name", "donor__id", "donor__name", "donor__species"] + described + ["si__path"]

    /// The row of `pair`.
    static func row(_ pair: FolderPair, _ meta: PairMeta, donor: (id: Int?, name: String)) -> JSONObject {
        func text(_ text: String?) -> JSONValue { text.map { .string($0) } ?? .null }
        var row: JSONObject = [
            "specimen__id": .int(pair.id), "specimen__name": .string(pair.name),
            "donor__id": donor.id.map { .int($0) } ?? .null, "donor__name": .string(donor.name),
            "donor__species": text(meta.species ?? meta.catalogueText("donor__species")),
        ]
        for column in described { row[column] = text(meta.catalogueText(column)) }
        row["si__path"] = text(pair.imagesPath)
        // Where a file changes, so does the row.
        row["files_version"] = .string(String(pair.version.content, radix: 16))
        return row
    }
}

extension FolderPair {
    /// Where the images are, below the folder; nil without usable images.
    var imagesPath: String? {
        guard !hasUnusableImages else { return nil }
        return switch images {
        case .volume(let file): file.path
        case .planes: "\(name)/\(PairNames.stackDirectory)"
        case nil: nil
        }
    }
}

extension Specimen {
    /// The specimen of `pair`, in the top folder `collection`.
    init(_ pair: FolderPair, in collection: String) {
        let meta = pair.usableMeta
        // The donor of the catalogue keeps its number: its cells are in one part of a split with those of the database.
        let donorID = meta.donor == nil ? meta.catalogue["donor__id"]?.intValue.flatMap { $0 > 0 ? $0 : nil } : nil
        let donor = meta.donor ?? meta.catalogueText("donor__name") ?? pair.name
        let species = meta.species ?? meta.catalogueText("donor__species")
        self.init(
            id: pair.id, name: pair.name, place: Place(collection: collection, folder: pair.name),
            species: species.flatMap { Species(rawValue: $0.lowercased()) ?? Species(scientificName: $0) },
            donorID: donorID, donorName: donor, structureAcronym: meta.catalogueText("structure__acronym"),
            structureParentAcronym: meta.catalogueText("structure_parent__acronym"),
            layer: meta.catalogueText("structure__layer"), lineName: meta.catalogueText("line_name"),
            dendriteType: meta.catalogueText("tag__dendrite_type"),
            reconstructionType: meta.catalogueText("nr__reconstruction_type"), skeleton: pair.skeletonID,
            hasImages: pair.imagesPath != nil, hasProjections: false,
            row: RowText(FolderRow.row(pair, meta, donor: (donorID, donor))))
    }
}
