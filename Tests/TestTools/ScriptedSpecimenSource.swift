import Specimens
import Support

/// A source of specimens under the test's control. What it is not given it leaves open until the test answers.
package final class ScriptedSpecimenSource: SpecimenSource {
    private typealias Objects = Promise<SpecimenObjects, SourceError>
    private typealias Refresh = Promise<SpecimenList, SourceError>

    private struct State {
        var list: SpecimenList
        var objects: [Int: SpecimenObjects]
        var waiting: [Int: [Objects.Resolver]] = [:]
        var refresh: (acceptsLosses: Bool, resolver: Refresh.Resolver)?
        var observers: [@Sendable (SpecimenList) -> Void] = []
        var refused: RefusedList?
    }

    package let identity: String
    package let records: any ObjectRecords
    package let blocks: any BlockSource
    private let state: Monitor<State>
    /// How often ``look()`` was called.
    package let looks = Counter()

    /// A source.
    ///
    /// - Parameter objects: what is known of specimens, by id; for others the test answers.
    package init(
        _ specimens: [Specimen], objects: [Int: SpecimenObjects] = [:], records: any ObjectRecords,
        blocks: any BlockSource, identity: String = "scripted"
    ) {
        self.identity = identity
        self.records = records
        self.blocks = blocks
        state = Monitor(State(list: Self.list(specimens, generation: 1), objects: objects))
    }

    private static func list(_ specimens: [Specimen], generation: Int) -> SpecimenList {
        SpecimenList(
            specimens: specimens, at: wallClockSeconds(), generation: generation,
            cellsJSON: JSONValue.array(specimens.map { .object($0.row) }).bytes(),
            cellsCSV: specimens.flatMap { Array("\($0.id),\($0.layer ?? "")\n".utf8) })
    }

    // MARK: - What the test does

    /// Shows a newer list, of the next generation, to the observers, on this thread.
    package func show(_ specimens: [Specimen]) {
        let (list, observers) = state.update { state in
            state.list = Self.list(specimens, generation: state.list.generation + 1)
            return (state.list, state.observers)
        }
        for observer in observers { observer(list) }
    }

    /// Answers everyone that waits for the objects of `specimen`. A success is kept for later calls.
    package func answer(_ specimen: Int, _ result: Result<SpecimenObjects, SourceError>) {
        let waiting = state.update { state in
            if case .success(let objects) = result { state.objects[specimen] = objects }
            return state.waiting.removeValue(forKey: specimen) ?? []
        }
        for resolver in waiting { resolver.resolve(result) }
    }

    /// Whether a call for the objects of `specimen` waits for an answer.
    package func isAsked(for specimen: Int) -> Bool { state.withLock { $0.waiting[specimen] != nil } }

    /// Whether the refresh that is under way accepts losses; nil when none is.
    package var acceptsLosses: Bool? { state.withLock { $0.refresh?.acceptsLosses } }

    /// Ends the refresh that is under way with `specimens`, which are shown.
    package func endRefresh(with specimens: [Specimen]) {
        show(specimens)
        let (list, refresh) = takeRefresh { $0.refused = nil }
        refresh?.resolve(.success(list))
    }

    /// Ends the refresh that is under way with an error.
    package func endRefresh(with error: SourceError, refused: RefusedList? = nil) {
        takeRefresh { $0.refused = refused }.1?.resolve(.failure(error))
    }

    @discardableResult
    private func takeRefresh(_ change: (inout State) -> Void) -> (SpecimenList, Refresh.Resolver?) {
        state.update { state in
            change(&state)
            defer { state.refresh = nil }
            return (state.list, state.refresh?.resolver)
        }
    }

    // MARK: - SpecimenSource

    package var list: SpecimenList { state.withLock { $0.list } }

    package func onListChange(_ observer: @escaping @Sendable (SpecimenList) -> Void) {
        state.withLock { $0.observers.append(observer) }
    }

    package func objects(
        of specimen: Specimen, token: CancellationToken
    ) -> Promise<SpecimenObjects, SourceError> {
        let (promise, resolver) = Objects.pending()
        let known = state.update { state -> SpecimenObjects? in
            if let known = state.objects[specimen.id] { return known }
            state.waiting[specimen.id, default: []].append(resolver)
            return nil
        }
        if let known { return Promise(.success(known)) }
        token.onCancel { resolver.resolve(.failure(.cancelled)) }
        return promise
    }

    package func texts(of list: SpecimenList) -> SourceTexts {
        SourceTexts(name: "Scripted cells", notes: "There are \(list.specimens.count).", citation: "None.\n")
    }

    package func refresh(acceptsLosses: Bool) -> Promise<SpecimenList, SourceError> {
        let (promise, resolver) = Refresh.pending()
        let isFirst = state.update { state in
            guard state.refresh == nil else { return false }
            state.refresh = (acceptsLosses, resolver)
            return true
        }
        return isFirst ? promise : Promise(.failure(.cancelled))
    }

    package var refused: RefusedList? { state.withLock { $0.refused } }

    package func look() { looks.add() }
}
