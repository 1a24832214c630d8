public import Support

/// One cell of the Allen Cell Types Database: a row of `ApiCellTypesSpecimenDetail`.
///
/// The typed fields are what the tree needs; ``row`` has every field as it arrived. An empty string and `null` both
/// mean absent. A NUL character in a text, which no file name may hold, is replaced by U+FFFD in the typed fields.
public struct Specimen: Sendable, Identifiable {
    /// `specimen__id`, 1 to ``largestID`` and unique.
    public let id: Int
    /// `specimen__name`, for example `Cux2-CreERT2;Ai14-205530.03.02.01`; the id where there is none.
    public let name: String
    /// `donor__species`.
    public let species: Species
    /// `donor__id`: the animal or patient.
    public let donorID: Int?
    /// `donor__name`.
    public let donorName: String?
    /// `structure__acronym`, for example `VISp5`.
    public let structureAcronym: String?
    /// `structure_parent__acronym`, for example `VISp`.
    public let structureParentAcronym: String?
    /// `structure__layer`, a text: `2/3`, `6a`.
    public let layer: String?
    /// `line_name`: the transgenic line.
    public let lineName: String?
    /// `tag__dendrite_type`: spiny, aspiny, sparsely spiny.
    public let dendriteType: String?
    /// `tag__apical`: intact, truncated, NA.
    public let apical: String?
    /// `nr__reconstruction_type`: full, dendrite-only.
    public let reconstructionType: String?
    /// `nrwkf__id`: the well known file that is the SWC.
    public let skeletonFileID: Int?
    /// `erwkf__id`: the well known file that is the NWB recording.
    public let recordingFileID: Int?
    /// `si__width`: width of the full image frame, pixels.
    public let frameWidth: Int?
    /// `si__height`: height of the full image frame, pixels.
    public let frameHeight: Int?
    /// `si__path`: the minimum projection on the image server.
    public let projectionPath: String?

    /// The largest id that is believed: ids of the database have 31 bits, and an inode number has room for 32.
    static let largestID = Int(UInt32.max)

    private let texts: RowTexts
    private let range: Range<Int>

    /// Every field of the row, in order, numbers as they were spelt, also the fields this version does not know.
    ///
    /// Parsed at each call (about 25 us), so keep the result where more than one field is wanted.
    public var row: JSONObject { texts.row(range) }

    /// Whether every field of the row is as in `other`, spelt the same.
    public func hasSameRow(as other: Specimen) -> Bool { texts.text(range) == other.texts.text(other.range) }

    /// Whether there are image planes (`si__path`).
    public var hasImages: Bool { projectionPath != nil }
    /// Whether there is a reconstruction file (`nrwkf__id`).
    public var hasSkeleton: Bool { skeletonFileID != nil }
    /// Whether there are both images and a skeleton.
    public var isTrainable: Bool { hasImages && hasSkeleton }

    /// What decides which part of a split the cell falls in: the donor, or the cell itself where that is unknown.
    var donorKey: String { donorID.map { "donor:\($0)" } ?? donorName.map { "name:\($0)" } ?? "specimen:\(id)" }

    init(fields: SpecimenFields, texts: RowTexts, range: Range<Int>) {
        id = fields.id
        name = fields.name
        species = fields.species
        donorID = fields.donorID
        donorName = fields.donorName
        structureAcronym = fields.structureAcronym
        structureParentAcronym = fields.structureParentAcronym
        layer = fields.layer
        lineName = fields.lineName
        dendriteType = fields.dendriteType
        apical = fields.apical
        reconstructionType = fields.reconstructionType
        skeletonFileID = fields.skeletonFileID
        recordingFileID = fields.recordingFileID
        frameWidth = fields.frameWidth
        frameHeight = fields.frameHeight
        projectionPath = fields.projectionPath
        self.texts = texts
        self.range = range
    }
}
