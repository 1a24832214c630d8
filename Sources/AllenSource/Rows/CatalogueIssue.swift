internal import Support

/// A fault in the rows of the API that was passed over or decided, counted for the log.
package struct CatalogueIssue: Hashable, Sendable, CustomStringConvertible {
    /// What was wrong.
    package enum Kind: String, CaseIterable, Sendable {
        /// A row of the cell list without a `specimen__id`, or one that is not within 32 bits; skipped.
        case missingSpecimenID
        /// A second row with the same `specimen__id`; the first that arrived is kept.
        case duplicateSpecimenID
        /// A row whose `donor__species` is neither mouse nor human; skipped.
        case unknownSpecies
        /// A row without a name; it is called by its id.
        case missingName
        /// An image row without an id, a section number or a size; skipped.
        case unusableImage
        /// An image row that is not of the chosen stack: another data set or image type; skipped.
        case foreignImage
        /// Two planes with the same section number; the higher image id is kept.
        case duplicateSection
        /// A plane marked as failed; it counts for the depth, and has no file.
        case failedImage
        /// A plane whose size is not the stack's; it keeps its own size.
        case unequalSize
        /// A projection that is not min or max over xy or yz, or has failed; skipped.
        case unusableProjection
        /// A well known file without an id or type; skipped.
        case unusableFile
    }

    /// What was wrong.
    package let kind: Kind
    /// How often.
    package let count: Int
    /// The first few cases, for example row numbers or ids.
    package let examples: [String]

    /// For example `duplicateSpecimenID: 2 (313862022, 313862167)`.
    package var description: String {
        let rest = count > examples.count ? ", ..." : ""
        return "\(kind.rawValue): \(count) (\(examples.joined(separator: ", "))\(rest))"
    }
}

/// Collects issues, a few examples of each kind.
struct IssueList {
    private var counts: [CatalogueIssue.Kind: (count: Int, examples: [String])] = [:]
    private static let examplesKept = 5

    mutating func add(_ kind: CatalogueIssue.Kind, _ example: String) {
        var entry = counts[kind] ?? (0, [])
        entry.count += 1
        if entry.examples.count < Self.examplesKept { entry.examples.append(OutsideText.cut(example)) }
        counts[kind] = entry
    }

    var issues: [CatalogueIssue] {
        CatalogueIssue.Kind.allCases.compactMap { kind in
            counts[kind].map { CatalogueIssue(kind: kind, count: $0.count, examples: $0.examples) }
        }
    }
}
