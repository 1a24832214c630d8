import Support

/// A cell of a world.
struct Cell: Sendable {
    enum Skeleton: Sendable {
        /// A file in the form in which the database delivers it.
        case file(String)
        /// Generated when it is read.
        case grown(NeuronPlan)
    }

    enum Markers: Sendable {
        case file(String)
        /// Placed at the tips of the skeleton.
        case placed
    }

    /// Specimen id.
    var id: Int
    /// The position in the catalogue. It determines the ids that the catalogue does not contain.
    var ordinal: Int
    /// The row of ApiCellTypesSpecimenDetail, keys in alphabetical order.
    var details: JSONObject
    /// The neuron in the planes; nil for a cell without images.
    var neuron: Skeleton?
    var markers: Markers?
    /// Section numbers, when they are not derived from the skeleton.
    var sections: [Int]?
    /// Captured rows of the real service, which are served in place of generated ones.
    var capturedPlanes: [JSONObject] = []
    var capturedProjections: [JSONObject] = []

    var frameWidth: Int? { details["si__width"]?.intValue }
    var frameHeight: Int? { details["si__height"]?.intValue }
    var hasImages: Bool { frameWidth != nil && frameHeight != nil }
    var skeletonFile: Int? { details["nrwkf__id"]?.intValue }
    var recordingFile: Int? { details["erwkf__id"]?.intValue }
    var name: String { details["specimen__name"]?.stringValue ?? "" }
    var isHuman: Bool { details["donor__species"]?.stringValue == "Homo Sapiens" }

    /// The reconstruction id is the SWC file id less 2 in 7 of 8 cells (docs/DATA.md 2).
    var reconstruction: Int? { skeletonFile.map { $0 - 2 } }

    /// The name of a file in the form of the service: `;` becomes `_`.
    var fileStem: String { String(name.map { $0 == ";" ? "_" : $0 }) }
}

/// Ids that the catalogue does not contain, from ranges of their own far above the real ones.
enum MadeID {
    static let base = 1_100_000_000
    static let block = 16_384
    static let firstSubImage = 1000
    /// The step between neighbouring SubImages, before a jitter. Real ids ascend without being consecutive.
    static let subImageStep = 5

    enum Kind: Int {
        case dataSet = 1
        case marker
        case picture
        case ephysResult
        case ephysFeature
        case projection
        case sweep = 100
    }

    static func id(_ cell: Cell, _ kind: Kind, offset: Int = 0) -> Int {
        base + cell.ordinal * block + kind.rawValue + offset
    }

    static func subImage(ordinal: Int, plane: Int) -> Int {
        base + ordinal * block + firstSubImage + plane * subImageStep + (plane * plane) % 4
    }

    /// The catalogue position of the cell that an id belongs to.
    static func ordinal(of id: Int) -> Int? { id >= base ? (id - base) / block : nil }
}
