package import Support

/// Several sources as one: a mount shows the specimens of all.
///
/// The first source is the main one. Its identity names the mount, and its texts and its cells.json stand at the top.
package final class CombinedSource: SpecimenSource {
    private let sources: [any SpecimenSource]
    private let routes = SourceRoutes()
    private let combined: Monitor<SpecimenList>
    private let observers = Monitor<[@Sendable (SpecimenList) -> Void]>([])
    package let records: any ObjectRecords
    package let blocks: any BlockSource

    /// - Parameters:
    ///   - main: the first source.
    ///   - others: no two sources have a specimen of the same id.
    package init(_ main: any SpecimenSource, and others: [any SpecimenSource]) {
        sources = [main] + others
        for (number, source) in sources.enumerated() { routes.note(source.list, of: number) }
        combined = Monitor(Self.combine(sources.map(\.list)))
        records = CombinedRecords(sources.map(\.records), routes)
        blocks = CombinedBlocks(sources.map(\.blocks), routes)
        for (number, source) in sources.enumerated() {
            source.onListChange { [weak self] list in self?.changed(list, of: number) }
        }
    }

    package var identity: String { sources[0].identity }
    package var list: SpecimenList { combined.withLock { $0 } }

    package func onListChange(_ observer: @escaping @Sendable (SpecimenList) -> Void) {
        observers.withLock { $0.append(observer) }
    }

    private func changed(_ list: SpecimenList, of number: Int) {
        routes.note(list, of: number)
        // Under the lock, so that two sources that change at once are combined one after the other.
        let combined = combined.update { combined in
            combined = Self.combine(sources.map(\.list))
            return combined
        }
        for observer in observers.withLock({ $0 }) { observer(combined) }
    }

    /// The specimens of all lists, as confirmed when the main list was. Generations only grow, and so does their sum.
    private static func combine(_ lists: [SpecimenList]) -> SpecimenList {
        var csv = SpecimenTable(lists[0].cellsCSV)
        for specimen in lists.dropFirst().flatMap(\.specimens) { csv.append(specimen.row) }
        return SpecimenList(
            specimens: lists.flatMap(\.specimens), at: lists[0].fetchedAt,
            generation: lists.reduce(0) { $0 + $1.generation },
            cellsJSON: lists[0].cellsJSON, cellsCSV: csv.bytes)
    }

    package func objects(
        of specimen: Specimen, token: CancellationToken
    ) -> Promise<SpecimenObjects, SourceError> {
        sources[routes.source(of: specimen.id)].objects(of: specimen, token: token)
    }

    package func texts(of list: SpecimenList) -> SourceTexts {
        let texts = sources.map { $0.texts(of: $0.list) }
        return SourceTexts(
            name: texts[0].name, notes: texts.map(\.notes).joined(separator: "\n\n"), citation: texts[0].citation)
    }

    package func refresh(acceptsLosses: Bool) -> Promise<SpecimenList, SourceError> {
        Promise.all(sources.map { $0.refresh(acceptsLosses: acceptsLosses) }).map { [self] _ in list }
    }

    package var refused: RefusedList? { sources.lazy.compactMap(\.refused).first }

    package func look() {
        for source in sources { source.look() }
    }
}

/// Which of several sources a specimen is of. Specimens that have gone are still known: handles of their files may be open.
final class SourceRoutes: Sendable {
    private let numbers = Monitor<[Int: Int]>([:])

    /// Notes the specimens of source `number`. Those of the main source, 0, need no note.
    func note(_ list: SpecimenList, of number: Int) {
        guard number > 0 else { return }
        numbers.withLock { numbers in
            for specimen in list.specimens { numbers[specimen.id] = number }
        }
    }

    /// The number of the source of a specimen.
    func source(of specimen: Int) -> Int { numbers.withLock { $0[specimen] ?? 0 } }
}
