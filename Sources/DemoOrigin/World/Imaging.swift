/// The constants of the microscope (docs/DATA.md 7): 63x oil, the same for every cell of the database.
enum Imaging {
    /// The xy spacing, micrometres.
    static let pixel = 0.1144
    /// The z spacing, micrometres.
    static let plane = 0.28
    /// A SubImage is the full frame without this many pixels at each side.
    static let inset = 1
}

/// The stack of a cell: its frame, its planes and their ids.
struct Stack: Sendable {
    var specimen: Int
    var dataSet: Int
    /// Full frame in px, which is the size of the xy projection.
    var frameWidth: Int
    var frameHeight: Int
    /// Section numbers in ascending order; a gap is a missing plane.
    var sections: [Int]
    /// Ids of the SubImages, one for each section, ascending.
    var subImages: [Int]
    /// Folder and barcode of the planes, for their paths.
    var barcode: String
    /// `mousecelltypes` or `humancelltypes`.
    var root: String
    /// In the order of the service's reply: max xy, min xy, max yz, min yz.
    var projections: [Int]

    var firstSection: Int { sections.first ?? 0 }
    var planeSpan: Int { (sections.last ?? 0) - firstSection + 1 }

    /// The planes before the first one that the yz projection also shows. A stack that starts at section 2 has none.
    /// The yz projection of 529878215, whose stack starts at 26, covers 545 planes from 1 on (docs/DATA.md 3).
    var yzLead: Int { firstSection <= 2 ? 0 : firstSection - 1 }

    /// The width of the yz projections in px: planes x 0.28 / 0.1144, rounded down. 627 planes are 1534 px.
    var yzWidth: Int { Int(Double(planeSpan + yzLead) * Imaging.plane / Imaging.pixel) }
}

enum Projection: Int, CaseIterable, Sendable {
    case maximumXY
    case minimumXY
    case maximumYZ
    case minimumYZ

    var isMinimum: Bool { self == .minimumXY || self == .minimumYZ }
    var isSide: Bool { self == .maximumYZ || self == .minimumYZ }
    var axes: String { isSide ? "yz" : "xy" }
    var function: String { isMinimum ? "min" : "max" }
}
