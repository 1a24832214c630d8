internal import Specimens

/// How a ``Node`` and its inode number follow from each other:
///
///     bit 63      62..56   55..24                       23..0
///         0       kind     specimen id, or group hash   series, plane, number in a Zarr store, ...
///
/// The kind is never 0, so no number collides with the root (1), and stays below 64, so that the two top bits are clear:
/// programs read `st_ino` as signed, and bit 62 marks hashed numbers. Specimen ids have 31 bits today. The
/// entries of a specimen whose id needs more than 32 bits have no computed number; theirs are hashed (``NodeTable``).
///
/// A directory in a ``View`` has the number of the same directory in the specimen's own folder, but for the kind. Its kind has
/// bit 5 set, the view in bits 4 and 3, and the directory in bits 2 to 0.
extension Node {
    private static let kindShift: UInt64 = 56
    private static let subjectShift: UInt64 = 24
    private static let detailMask: UInt64 = 1 << 24 - 1

    /// Codes of the kinds. They are promises: an inode number means the same in every version of the program.
    private enum Kind: UInt64 {
        case topFile = 1
        case control = 2
        case controlFile = 3
        case species = 4
        case specimen = 5
        case specimenFile = 6
        case planes = 7
        case plane = 8
        case projections = 9
        case projection = 10
        case zarrStack = 11
        case zarrLabels = 12
        case trainable = 13
        case trainableSpecies = 14
        case grouping = 15
        case group = 16
        case splits = 17
        case split = 18
        case link = 19
        case labelsGroup = 20
        case nestedLabels = 21
    }

    /// Kinds of the directories that a view has; the place in this list is the code in the kind of a view.
    private static let viewed: [Kind] = [
        .specimen, .planes, .projections, .zarrStack, .zarrLabels, .labelsGroup, .nestedLabels,
    ]

    /// The lowest kind of a directory in a view.
    private static let firstViewKind: UInt64 = 32

    /// Bits of a plane index inside the detail: 16, so that 65,536 planes fit; the largest stack has about 850.
    private static let planeBits = 16

    private static func number(_ kind: Kind, _ subject: Int = 0, _ detail: Int = 0) -> InodeNumber? {
        UInt32(exactly: subject).map { subject in
            InodeNumber(
                rawValue: kind.rawValue << kindShift | UInt64(subject) << subjectShift | UInt64(detail) & detailMask)
        }
    }

    private static func number(of own: Node, in view: View) -> InodeNumber? {
        guard let inode = own.inode, let kind = Kind(rawValue: inode.rawValue >> kindShift),
            let directory = viewed.firstIndex(of: kind)
        else { return nil }
        let viewKind = firstViewKind | view.code << 3 | UInt64(directory)
        return InodeNumber(rawValue: (viewKind ^ kind.rawValue) << kindShift ^ inode.rawValue)
    }

    /// The node of a number whose kind is `kind`, one of a view; nil when there is none.
    private static func view(_ inode: InodeNumber, kind: UInt64) -> Node? {
        let directory = Int(kind & 7)
        guard kind < firstViewKind << 1, directory < viewed.count else { return nil }
        let own = InodeNumber(rawValue: (viewed[directory].rawValue ^ kind) << kindShift ^ inode.rawValue)
        let specimen = Int(UInt32(truncatingIfNeeded: inode.rawValue >> subjectShift))
        return Node(own).map { .view(View(code: kind >> 3 & 3, specimen: specimen), $0) }
    }

    /// The computed number of this node; nil where it does not fit.
    package var inode: InodeNumber? {
        switch self {
        case .root: .root
        case .topFile(let file): Self.number(.topFile, 0, Int(file.rawValue))
        case .control: Self.number(.control)
        case .controlFile(let file): Self.number(.controlFile, 0, Int(file.rawValue))
        case .species(let species): Self.number(.species, 0, species.code)
        case .collection, .trainableCollection: nil
        case .specimen(let id): Self.number(.specimen, id)
        case .specimenFile(let id, let file): Self.number(.specimenFile, id, Int(file.rawValue))
        case .planes(let id, let series): Self.number(.planes, id, Int(series.rawValue))
        case .plane(let id, let series, let index):
            Self.number(.plane, id, Int(series.rawValue) << Self.planeBits | index)
        case .projections(let id): Self.number(.projections, id)
        case .projection(let id, let file): Self.number(.projection, id, Int(file.rawValue))
        case .zarr(let id, let series, let number):
            Self.number(series == .stack ? .zarrStack : .zarrLabels, id, number)
        case .labelsGroup(let id, let part): Self.number(.labelsGroup, id, Int(part.rawValue))
        case .nestedLabels(let id, let number): Self.number(.nestedLabels, id, number)
        case .trainable: Self.number(.trainable)
        case .trainableSpecies(let species): Self.number(.trainableSpecies, 0, species.code)
        case .grouping(let grouping): Self.number(.grouping, 0, Int(grouping.rawValue))
        case .group(let grouping, let hash): Self.number(.group, Int(hash), Int(grouping.rawValue))
        case .splits: Self.number(.splits)
        case .split(let split): Self.number(.split, 0, split.code)
        case .link(let place, let id): Self.number(.link, id, Int(place.rawValue))
        case .view(let view, let own): Self.number(of: own, in: view)
        }
    }

    /// The node of a number; nil when the number is none of ours.
    package init?(_ inode: InodeNumber) {
        if inode == .root {
            self = .root
            return
        }
        let code = inode.rawValue >> Self.kindShift
        if code >= Self.firstViewKind {
            guard let node = Self.view(inode, kind: code) else { return nil }
            self = node
            return
        }
        guard let kind = Kind(rawValue: code) else { return nil }
        let subject = Int(UInt32(truncatingIfNeeded: inode.rawValue >> Self.subjectShift))
        let detail = Int(inode.rawValue & Self.detailMask)
        let low = UInt8(truncatingIfNeeded: detail)
        var node: Node?
        switch kind {
        case .topFile: node = TopFile(rawValue: low).map { .topFile($0) }
        case .control: node = .control
        case .controlFile: node = ControlFile(rawValue: low).map { .controlFile($0) }
        case .species: node = Species(code: detail).map { .species($0) }
        case .specimen: node = .specimen(subject)
        case .specimenFile: node = SpecimenFile(rawValue: low).map { .specimenFile(subject, $0) }
        case .planes: node = Series(rawValue: low).map { .planes(subject, $0) }
        case .plane:
            node = Series(rawValue: UInt8(detail >> Self.planeBits)).map {
                .plane(subject, $0, detail & (1 << Self.planeBits - 1))
            }
        case .projections: node = .projections(subject)
        case .projection: node = ProjectionFile(rawValue: low).map { .projection(subject, $0) }
        case .zarrStack: node = .zarr(subject, .stack, detail)
        case .zarrLabels: node = .zarr(subject, .labels, detail)
        case .labelsGroup: node = LabelsGroupPart(rawValue: low).map { .labelsGroup(subject, $0) }
        case .nestedLabels: node = .nestedLabels(subject, detail)
        case .trainable: node = .trainable
        case .trainableSpecies: node = Species(code: detail).map { .trainableSpecies($0) }
        case .grouping: node = Grouping(rawValue: low).map { .grouping($0) }
        case .group: node = Grouping(rawValue: low).map { .group($0, UInt32(subject)) }
        case .splits: node = .splits
        case .split: node = SplitPart(code: detail).map { .split($0) }
        case .link: node = LinkPlace(rawValue: low).map { .link($0, subject) }
        }
        // Whatever decodes must encode to the same number: no two numbers mean the same node.
        guard let node, node.inode == inode else { return nil }
        self = node
    }
}

extension Species {
    fileprivate var code: Int { self == .mouse ? 0 : 1 }

    fileprivate init?(code: Int) {
        switch code {
        case 0: self = .mouse
        case 1: self = .human
        default: return nil
        }
    }
}

extension View {
    /// Two bits, which are part of inode numbers.
    fileprivate var code: UInt64 {
        switch self {
        case .trainable: 0
        case .split(let part, _): UInt64(part.code) + 1
        }
    }

    /// - Parameter code: 0 to 3.
    fileprivate init(code: UInt64, specimen: Int) {
        self = SplitPart(code: Int(code) - 1).map { .split($0, specimen) } ?? .trainable(specimen)
    }
}

extension SplitPart {
    fileprivate var code: Int {
        switch self {
        case .train: 0
        case .val: 1
        case .test: 2
        }
    }

    fileprivate init?(code: Int) {
        switch code {
        case 0: self = .train
        case 1: self = .val
        case 2: self = .test
        default: return nil
        }
    }
}
