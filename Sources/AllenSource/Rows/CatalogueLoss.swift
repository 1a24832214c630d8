internal import Specimens

/// What a newer list of cells lacks, where it lacks so much that it is refused.
///
/// The database has had 2333 cells for years, and single cells may go. A list that lacks a tenth is more likely the reply of a
/// server in trouble. If it were taken, the folders of cells would vanish while programs read them.
package struct CatalogueLoss: Hashable, Sendable, CustomStringConvertible {
    /// What a cell has, or the cell itself.
    package enum Kind: String, CaseIterable, Sendable {
        /// The cell.
        case cells
        /// Its image stack.
        case stacks = "image stacks"
        /// Its reconstruction.
        case skeletons
        /// Its recording.
        case recordings

        func isThere(_ specimen: Specimen) -> Bool {
            switch self {
            case .cells: true
            case .stacks: specimen.hasImages
            case .skeletons: specimen.hasSkeleton
            case .recordings: specimen.recording != nil
            }
        }
    }

    /// The first kind of which the newer list lacks too much.
    package let kind: Kind
    /// How many of that kind the list before had.
    package let known: Int
    /// How many of these the newer list lacks.
    package let lost: Int
    /// The first of the cells that they are of, ascending.
    package let examples: [Int]

    /// One of so many may go. A single one may go from any list: in a small database it is more than a tenth.
    static let tolerated = 10
    private static let examplesKept = 3

    /// Nil when `newer` lacks no more than a tenth of the cells, stacks, skeletons and recordings of `known`.
    init?(from known: SpecimenList, to newer: SpecimenList) {
        for kind in Kind.allCases {
            let before = known.specimens.filter(kind.isThere)
            let lost = before.filter { specimen in newer[specimen.id].map(kind.isThere) != true }
            guard lost.count > max(1, before.count / Self.tolerated) else { continue }
            self.kind = kind
            self.known = before.count
            self.lost = lost.count
            examples = lost.prefix(Self.examplesKept).map(\.id)
            return
        }
        return nil
    }

    /// For example `it lacks 2332 of the 2333 known cells (313861608, 313861677, ...)`.
    package var description: String {
        let rest = lost > examples.count ? ", ..." : ""
        let cells = examples.map(String.init).joined(separator: ", ")
        return "it lacks \(lost) of the \(known) known \(kind.rawValue) (\(cells)\(rest))"
    }
}
