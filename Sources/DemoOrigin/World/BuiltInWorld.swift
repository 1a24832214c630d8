import Support

extension World {
    /// A dozen invented cells of both species, small enough for a quick demonstration. They have every irregularity of
    /// the real data: cells without images or without skeleton, two cells of one donor, a stack that starts at section
    /// 26, a missing plane, several roots, ids from 0, CRLF, a parent behind its child. The splits follow from a hash
    /// of the donor's id, and the donors are chosen so that each split has a cell.
    package static func builtIn() -> World {
        World(cells: BuiltInCell.all.enumerated().map { $1.cell(ordinal: $0) })
    }
}

/// An invented cell: the few facts that determine its catalogue row.
struct BuiltInCell {
    struct Area {
        var id: Int
        var name: String
        var acronym: String
        var parentID: Int
        var parent: String
        var layer: String
    }

    struct Images {
        var width: Int
        var height: Int
        var planes: Int
        var firstSection = 2
        /// The index of a plane that the service lacks.
        var missing: Int?

        var sections: [Int] {
            (firstSection..<firstSection + planes).filter { $0 - firstSection != missing }
        }
    }

    /// How much of a cell is reconstructed.
    enum Reconstruction: String {
        case full
        case dendriteOnly = "dendrite-only"
        /// Images without a skeleton.
        case none
    }

    var id: Int
    var human = false
    var line = ""
    var donor: Int
    var suffix: String
    var area: Area
    var spiny: Bool
    var images: Images?
    var reconstruction = Reconstruction.none
    var style = NeuronPlan.Style()
    var hasMarkers = false

    func cell(ordinal: Int) -> Cell {
        var cell = Cell(id: id, ordinal: ordinal, details: JSONObject())
        if let images {
            let plan = NeuronPlan(
                seed: id, width: Double(images.width) * Imaging.pixel, height: Double(images.height) * Imaging.pixel,
                depth: Double(images.planes) * Imaging.plane, isPyramidal: spiny,
                fullAxon: reconstruction == .full, style: style)
            cell.neuron = .grown(plan)
            cell.sections = images.sections
            if hasMarkers { cell.markers = .placed }
        }
        cell.details = BuiltInDetails.row(self, neuron: cell.neuron)
        return cell
    }

    private static let visp23 = Area(
        id: 821, name: "Primary visual area, layer 2/3", acronym: "VISp2/3", parentID: 385, parent: "VISp",
        layer: "2/3")
    private static let visp4 = Area(
        id: 721, name: "Primary visual area, layer 4", acronym: "VISp4", parentID: 385, parent: "VISp", layer: "4")
    private static let visp5 = Area(
        id: 778, name: "Primary visual area, layer 5", acronym: "VISp5", parentID: 385, parent: "VISp", layer: "5")
    private static let visp6a = Area(
        id: 33, name: "Primary visual area, layer 6a", acronym: "VISp6a", parentID: 385, parent: "VISp", layer: "6a")
    private static let visl1 = Area(
        id: 421, name: "Lateral visual area, layer 1", acronym: "VISl1", parentID: 409, parent: "VISl", layer: "1")
    private static let mtg2 = Area(
        id: 12141, name: "middle temporal gyrus", acronym: "MTG", parentID: 12141, parent: "MTG", layer: "2")
    private static let mtg3 = Area(
        id: 12141, name: "middle temporal gyrus", acronym: "MTG", parentID: 12141, parent: "MTG", layer: "3")
    private static let frontal = Area(
        id: 12113, name: "frontal lobe", acronym: "FroL", parentID: 12113, parent: "FroL", layer: "5")

    static let all: [BuiltInCell] = [
        BuiltInCell(
            id: 900_000_101, line: "Rorb-IRES2-Cre", donor: 900_001_001, suffix: "03.02.01", area: visp4, spiny: true,
            images: Images(width: 2050, height: 2402, planes: 120), reconstruction: .full, hasMarkers: true),
        BuiltInCell(
            id: 900_000_105, line: "Rorb-IRES2-Cre", donor: 900_001_001, suffix: "04.01.02", area: visp5, spiny: true,
            images: Images(width: 1802, height: 2602, planes: 100), reconstruction: .dendriteOnly,
            style: .init(firstID: 0, headerOfSDK: true)),
        BuiltInCell(
            id: 900_000_112, line: "Pvalb-IRES-Cre", donor: 900_001_004, suffix: "05.02.01", area: visp23, spiny: false,
            images: Images(width: 1762, height: 1802, planes: 80), reconstruction: .full,
            style: .init(extraRoots: 5), hasMarkers: true),
        BuiltInCell(
            id: 900_000_120, line: "Sst-IRES-Cre", donor: 900_001_006, suffix: "01.01.01", area: visp5, spiny: false,
            images: Images(width: 1602, height: 2002, planes: 90, missing: 41), reconstruction: .full,
            style: .init(carriageReturns: true)),
        BuiltInCell(
            id: 900_000_131, line: "Cux2-CreERT2", donor: 900_001_009, suffix: "03.01.01", area: visp23, spiny: true,
            images: Images(width: 2403, height: 2305, planes: 140), reconstruction: .dendriteOnly,
            style: .init(parentAfterChild: true), hasMarkers: true),
        BuiltInCell(
            id: 900_000_136, line: "Cux2-CreERT2", donor: 900_001_009, suffix: "06.01.02", area: visl1, spiny: false,
            images: Images(width: 1702, height: 1506, planes: 64)),
        BuiltInCell(
            id: 900_000_140, line: "Htr3a-Cre_NO152", donor: 900_001_011, suffix: "02.01.01", area: visp6a,
            spiny: false),
        BuiltInCell(
            id: 900_000_152, line: "Ntsr1-Cre_GN220", donor: 900_001_014, suffix: "04.02.02", area: visp6a, spiny: true,
            images: Images(width: 1904, height: 2806, planes: 110), reconstruction: .dendriteOnly, hasMarkers: true),
        BuiltInCell(
            id: 900_000_203, human: true, donor: 900_002_001, suffix: "01.03.05.03", area: mtg3, spiny: true,
            images: Images(width: 3002, height: 3002, planes: 160, firstSection: 26), reconstruction: .full,
            hasMarkers: true),
        BuiltInCell(
            id: 900_000_207, human: true, donor: 900_002_001, suffix: "01.03.06.01", area: mtg2, spiny: false,
            images: Images(width: 2102, height: 2204, planes: 96), reconstruction: .full),
        BuiltInCell(
            id: 900_000_214, human: true, donor: 900_002_002, suffix: "02.01.14.02", area: frontal, spiny: true),
        BuiltInCell(
            id: 900_000_221, human: true, donor: 900_002_016, suffix: "01.01.02.06", area: mtg3, spiny: true,
            images: Images(width: 1822, height: 2434, planes: 72), reconstruction: .dendriteOnly),
    ]
}
