package import Support

/// Where the specimens of a mount come from.
package protocol SpecimenSource: Sendable {
    /// Names the source for good. It is part of the key of every block, so that two sources never share one.
    var identity: String { get }

    /// The specimens, as the source confirmed them last.
    var list: SpecimenList { get }

    /// Calls `observer`, on a worker, with every list that the source confirms from now on. A list of the same generation
    /// has the same content.
    func onListChange(_ observer: @escaping @Sendable (SpecimenList) -> Void)

    /// What the source has of `specimen`, which is one of its list: from memory, from disk, or from upstream.
    ///
    /// - Returns: the objects; resolved at once where memory has them, else on a worker.
    func objects(of specimen: Specimen, token: CancellationToken) -> Promise<SpecimenObjects, SourceError>

    /// Keeps what is known of the objects.
    var records: any ObjectRecords { get }

    /// Gets the bytes of the objects.
    var blocks: any BlockSource { get }

    /// What the files at the top of a mount say about the source and about `list`, one of its lists.
    func texts(of list: SpecimenList) -> SourceTexts

    /// Fetches the list again, whatever its age.
    ///
    /// - Parameter acceptsLosses: whether a list is taken that lacks much of what is known; else it is refused, which
    ///   ``refused`` says.
    /// - Returns: the list, resolved on a worker. ``SourceError/Kind/cancelled`` while another refresh is under way. After a
    ///   failure the list stays as it was.
    func refresh(acceptsLosses: Bool) -> Promise<SpecimenList, SourceError>

    /// The newest list, where it was refused; nil where the last one was taken.
    var refused: RefusedList? { get }

    /// Starts a refresh when the list is old, and mends what the source keeps on disk. Called every few seconds, on a thread
    /// that may wait for the disk.
    func look()
}

/// What the files at the top of a mount say about a source.
package struct SourceTexts: Hashable, Sendable {
    /// What the data are called, as the first line of README.txt says it.
    package let name: String
    /// Paragraphs of README.txt, with an empty line between two: where a voxel lies, and what is traced.
    package let notes: String
    /// The content of CITATION.txt.
    package let citation: String

    /// The texts of a source.
    package init(name: String, notes: String, citation: String) {
        self.name = name
        self.notes = notes
        self.citation = citation
    }
}

/// A list that a source did not take, because it lacks much of what is known.
///
/// Its rows are not kept: a refresh that accepts losses fetches the list again, so it takes the list of that moment.
package struct RefusedList: Hashable, Sendable {
    /// When the list came, wall clock, seconds since 1970.
    package let time: Double
    /// What the list lacks, a clause that begins with "it".
    package let reason: String

    /// A list that came at `time`.
    package init(time: Double, reason: String) {
        self.time = time
        self.reason = reason
    }
}
