import Specimens
import Support
import TestTools
import Testing

/// What the tree relies on in any source, here of the one that tests use.
@Suite struct ScriptedSourceTests {
    private let source = ScriptedSpecimenSource(
        [Specimen(id: 1), Specimen(id: 2)], objects: [1: SpecimenObjects(spacing: VoxelSpacing(xy: 0.5, z: 2))],
        records: ScriptedRecords(), blocks: ScriptedSource())

    @Test func whatIsKnownIsAnsweredAtOnce() throws {
        let objects = source.objects(of: Specimen(id: 1), token: CancellationToken())
        #expect(try #require(objects.result).get().spacing == VoxelSpacing(xy: 0.5, z: 2))
        #expect(!source.isAsked(for: 1))
    }

    @Test func whatIsNotKnownWaitsForTheTest() throws {
        let waiting = source.objects(of: Specimen(id: 2), token: CancellationToken())
        let token = CancellationToken()
        let given = source.objects(of: Specimen(id: 2), token: token)
        #expect(waiting.result == nil && source.isAsked(for: 2))
        token.cancel()
        #expect(given.error == .cancelled)
        source.answer(
            2,
            .success(SpecimenObjects(spacing: VoxelSpacing(xy: 1, z: 1), skeleton: SourceObject(id: .file(3, of: 2)))))
        #expect(try #require(waiting.result).get().skeleton?.id == .file(3, of: 2))
        #expect(source.objects(of: Specimen(id: 2), token: CancellationToken()).result != nil)
    }

    @Test func aRefreshShowsItsListAndRunsAlone() throws {
        let shown = Monitor<[Int]>([])
        source.onListChange { list in shown.withLock { $0.append(list.specimens.count) } }
        let refresh = source.refresh(acceptsLosses: true)
        #expect(source.refresh(acceptsLosses: false).error == .cancelled)
        #expect(refresh.result == nil && source.acceptsLosses == true)
        source.endRefresh(with: [Specimen(id: 7)])
        #expect(try #require(refresh.result).get().generation == 2)
        #expect(source.list.specimens.map(\.id) == [7] && shown.withLock { $0 } == [1])
        let refused = source.refresh(acceptsLosses: false)
        source.endRefresh(with: SourceError(.unusable, "a test"), refused: RefusedList(time: 5, reason: "it lacks all"))
        #expect(refused.error == .unusable)
        #expect(
            source.refused == RefusedList(time: 5, reason: "it lacks all") && source.list.specimens.map(\.id) == [7])
    }
}

extension Promise where Failure == SourceError {
    /// What the promise failed with; nil while it has not.
    fileprivate var error: SourceError.Kind? { if case .failure(let error)? = result { error.kind } else { nil } }
}
