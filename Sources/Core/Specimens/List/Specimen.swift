package import Support

/// One brain cell, as the list of a source describes it.
///
/// The typed fields are what the tree needs; ``row`` has every field that the source gives.
package struct Specimen: Sendable, Identifiable {
    /// 1 or more, and unique in its source.
    package let id: Int
    /// For example `Cux2-CreERT2;Ai14-205530.03.02.01`; the id where the source has no name. Without NUL characters.
    package let name: String
    /// Where the specimen stands in the tree.
    package let place: Place
    /// The species of the donor; nil where the source does not say it, or none of these.
    package let species: Species?
    /// The number of the animal or patient.
    package let donorID: Int?
    /// The name of the animal or patient.
    package let donorName: String?
    /// The brain structure, for example `VISp5`.
    package let structureAcronym: String?
    /// The structure that holds that one, for example `VISp`.
    package let structureParentAcronym: String?
    /// The layer of the cortex, a text: `2/3`, `6a`.
    package let layer: String?
    /// The transgenic line.
    package let lineName: String?
    /// Spiny, aspiny, sparsely spiny.
    package let dendriteType: String?
    /// How much of the cell is traced: full, dendrite-only.
    package let reconstructionType: String?
    /// The traced skeleton, an SWC file; nil where the cell is not traced.
    package let skeleton: ObjectID?
    /// The electrical recording, an NWB file.
    package let recording: ObjectID?
    /// Whether there are image planes.
    package let hasImages: Bool
    /// Whether the source may have projections of the images.
    package let hasProjections: Bool

    private let text: RowText

    /// A specimen.
    ///
    /// - Parameters:
    ///   - hasProjections: as `hasImages` unless it is given.
    ///   - row: every field that the source gives, in the source's own words.
    package init(
        id: Int, name: String, place: Place, species: Species?, donorID: Int? = nil, donorName: String? = nil,
        structureAcronym: String? = nil, structureParentAcronym: String? = nil, layer: String? = nil,
        lineName: String? = nil, dendriteType: String? = nil, reconstructionType: String? = nil,
        skeleton: ObjectID? = nil, recording: ObjectID? = nil, hasImages: Bool = false,
        hasProjections: Bool? = nil, row: RowText
    ) {
        self.id = id
        self.name = name
        self.place = place
        self.species = species
        self.donorID = donorID
        self.donorName = donorName
        self.structureAcronym = structureAcronym
        self.structureParentAcronym = structureParentAcronym
        self.layer = layer
        self.lineName = lineName
        self.dendriteType = dendriteType
        self.reconstructionType = reconstructionType
        self.skeleton = skeleton
        self.recording = recording
        self.hasImages = hasImages
        self.hasProjections = hasProjections ?? hasImages
        text = row
    }

    /// Every field of the row, in order, numbers as they were spelt, also the fields that this version does not know.
    ///
    /// Each call parses the row (about 25 us), so a caller that needs several fields keeps the result.
    package var row: JSONObject { text.object }

    /// Whether every field of the row is as in `other`, spelt the same.
    package func hasSameRow(as other: Specimen) -> Bool { text.bytes == other.text.bytes }

    /// Whether there is a traced skeleton.
    package var hasSkeleton: Bool { skeleton != nil }
    /// Whether there are both images and a skeleton.
    package var isTrainable: Bool { hasImages && hasSkeleton }

    /// What decides to which part of a split the cell belongs: the donor, or the cell itself where the donor is unknown.
    var donorKey: String { donorID.map { "donor:\($0)" } ?? donorName.map { "name:\($0)" } ?? "specimen:\(id)" }
}
