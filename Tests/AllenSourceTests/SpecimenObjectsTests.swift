import Specimens
import Support
import TestTools
import Testing
import Transport

@testable import AllenSource

/// What a source has of one cell.
@Suite struct SpecimenObjectsTests {
    private let rows: [SourceBench.Model: [JSONObject]] = [
        .cells: [
            Rows.cell(1, ["nrwkf__id": .int(11), "erwkf__id": .int(12)]), Rows.cell(2, trainable: false),
            Rows.cell(3, ["nrwkf__id": .null]),
        ],
        .planes: [Rows.plane(100, section: 4), Rows.plane(101, section: 5)],
        .projections: [
            [
                "id": .int(200), "axes": .string("xy"), "projection_function": .string("min"), "width": .int(102),
                "height": .int(82), "x": .int(3), "y": .int(4),
            ]
        ],
        .reconstructions: [
            [
                "id": .int(9),
                "well_known_files": .array([
                    ["id": .int(11), "well_known_file_type_id": .int(303_941_301)],
                    ["id": .int(13), "well_known_file_type_id": .int(486_753_749)],
                ]),
            ]
        ],
    ]

    @Test func aCellHasItsStackFilesAndProjections() throws {
        let bench = try SourceBench(rows)
        defer { bench.close() }
        let source = try bench.source()
        let cell = try #require(source.list[1])
        let objects = try source.objects(of: cell, token: CancellationToken()).wait().get()
        #expect(objects.stack?.depth == 2 && objects.spacing == VoxelSpacing(xy: 0.1144, z: 0.28))
        #expect(objects.skeleton == SourceObject(id: .file(11, of: 1)))
        #expect(objects.marker == SourceObject(id: .file(13, of: 1)))
        #expect(objects.recording == SourceObject(id: .file(12, of: 1)))
        #expect(
            objects.projections.map(\.object) == [
                SourceObject(id: .image(200, of: 1), frame: SourceObject.Frame(x: 3, y: 4, width: 102, height: 82))
            ])
        #expect(objects.provenance["marker_file_id"] == .int(13))
        #expect(Set(bench.asked) == Set(SourceBench.Model.allCases) && bench.http.count == 4)
        // From memory, and without a worker.
        #expect(source.objects(of: cell, token: CancellationToken()).result != nil)
        #expect(bench.http.count == 4)
    }

    @Test func whatIsKeptIsNotAskedForAgain() throws {
        let folder = try TemporaryFolder()
        let first = try SourceBench(rows, folder: folder)
        let source = try first.source()
        let cell = try #require(source.list[1])
        _ = try source.objects(of: cell, token: CancellationToken()).wait().get()
        first.close()
        let second = try SourceBench(folder: folder, isOffline: true)
        defer { second.close() }
        let again = try second.source().objects(of: cell, token: CancellationToken()).wait().get()
        #expect(again.stack?.depth == 2 && again.marker?.id == .file(13, of: 1))
    }

    @Test func theRowOfTheCellAnswersWhatItCan() throws {
        let bench = try SourceBench(rows)
        defer { bench.close() }
        let source = try bench.source()
        let bare = try source.objects(of: #require(source.list[2]), token: CancellationToken()).wait().get()
        #expect(bare.stack == nil && bare.skeleton == nil && bare.projections.isEmpty)
        #expect(bare.spacing == VoxelSpacing(xy: 0.1144, z: 0.28))
        #expect(bench.asked == [.cells])
        _ = try source.objects(of: #require(source.list[3]), token: CancellationToken()).wait().get()
        #expect(Set(bench.asked) == [.cells, .planes, .projections])
    }

    /// The files of a cell follow the list, also where memory has its details.
    @Test func aNewSkeletonInTheListIsTheSkeleton() throws {
        let bench = try SourceBench(rows)
        defer { bench.close() }
        let source = try bench.source()
        _ = try source.objects(of: #require(source.list[1]), token: CancellationToken()).wait().get()
        bench.change(.cells, [Rows.cell(1, ["nrwkf__id": .int(77)]), Rows.cell(2), Rows.cell(3)])
        let list = try source.refresh(acceptsLosses: true).wait().get()
        let objects = try source.objects(of: #require(list[1]), token: CancellationToken()).wait().get()
        #expect(objects.skeleton?.id == .file(77, of: 1) && objects.marker == nil && objects.recording == nil)
    }

    @Test func readersShareTheQueriesAndMayLeave() throws {
        let bench = try SourceBench(answers: false)
        defer { bench.close() }
        try bench.store.replaceCells(rows: try #require(rows[.cells]), totalRows: 3, at: wallClockSeconds())
        let source = try bench.source()
        let cell = try #require(source.list[1])
        let token = CancellationToken()
        let first = source.objects(of: cell, token: token)
        let second = source.objects(of: cell, token: CancellationToken())
        _ = try bench.http.call(2)
        #expect(bench.http.count == 3)
        token.cancel()
        #expect(first.failure()?.kind == .cancelled && second.result == nil)
        for index in 0..<3 {
            let call = try bench.http.call(index)
            call.reply(SourceBench.reply(to: call.request.url, rows))
        }
        #expect(try second.wait().get().stack?.depth == 2)
    }

    @Test func aQueryThatFailsIsAskedAgainByTheNextReader() throws {
        let bench = try SourceBench(answers: false)
        defer { bench.close() }
        try bench.store.replaceCells(rows: try #require(rows[.cells]), totalRows: 3, at: wallClockSeconds())
        let source = try bench.source()
        let cell = try #require(source.list[1])
        let failing = source.objects(of: cell, token: CancellationToken())
        try bench.http.call(1).fail { .noReply($0) }
        #expect(failing.failure()?.kind == .timedOut)
        let next = source.objects(of: cell, token: CancellationToken())
        for index in 3..<6 {
            let call = try bench.http.call(index)
            call.reply(SourceBench.reply(to: call.request.url, rows))
        }
        #expect(try next.wait().get().stack?.depth == 2)
    }
}
