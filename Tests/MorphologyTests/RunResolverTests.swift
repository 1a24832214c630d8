import Testing

@testable import Morphology

/// Compares runs that overlap in every way with the lowest value, column by column.
@Suite struct RunResolverTests {
    private func check(_ runs: [(columns: ClosedRange<Int>, value: UInt16)], _ comment: Comment) {
        var raw = WordBuffer(capacity: runs.count)
        for run in runs {
            let (first, last) = (run.columns.lowerBound, run.columns.upperBound)
            raw.append(PackedRun.pack(row: 3, first: first, last: last, value: run.value))
        }
        var resolver = RunResolver(height: 8)
        var output = WordBuffer(capacity: 16)
        resolver.resolve(raw, into: &output)

        let width = 1 + (runs.map(\.columns.upperBound).max() ?? 0)
        var expected = [UInt16](repeating: .max, count: width)
        for value in Set(runs.map(\.value)).sorted().reversed() {
            for run in runs where run.value == value {
                for column in run.columns { expected[column] = value }
            }
        }
        var found = [UInt16](repeating: .max, count: width)
        var end = 0
        for run in output.array().map(PackedRun.run) {
            #expect(run.row == 3 && run.columns.lowerBound >= end, comment)
            end = run.columns.upperBound
            for column in run.columns { found[column] = run.value }
        }
        #expect(found == expected, comment)
    }

    @Test func crowdedRowsOfRandomRuns() {
        var generator = SplitMix(5)
        for (width, count, longest) in [(40, 6, 20), (200, 60, 12), (900, 300, 700), (900, 2000, 5), (900, 2000, 300)] {
            for round in 0..<20 {
                let runs = (0..<count).map { _ -> (columns: ClosedRange<Int>, value: UInt16) in
                    let first = Int.random(in: 0..<width, using: &generator)
                    let last = min(width - 1, first + Int.random(in: 0..<longest, using: &generator))
                    return (first...last, UInt16.random(in: 1...5, using: &generator))
                }
                check(runs, "\(count) runs in \(width) columns, round \(round)")
            }
        }
    }

    /// A zigzag drawn five times over itself. If each step examined all runs before it, there would be nine billion
    /// steps.
    @Test func aRowOfManyShortRunsIsNoQuadraticWork() {
        var runs: [(columns: ClosedRange<Int>, value: UInt16)] = [(0...60_001, 9)]
        for column in 0..<60_000 {
            for turn in 0..<5 { runs.append((column...column + 1, UInt16(1 + (column + turn) % 3 + column % 2))) }
        }
        check(runs, "300,001 runs")
    }
}
