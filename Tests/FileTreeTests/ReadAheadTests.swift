import TestTools
import Testing

@testable import FileTree

@Suite struct ReadAheadTests {
    /// Reads, and after each what is proposed.
    struct Case: Sendable {
        let name: String
        var limit = 8
        var count = 1000
        let steps: [(ClosedRange<Int>, [Int])]
    }

    static func single(_ name: String, limit: Int = 8, count: Int = 1000, _ steps: [(Int, [Int])]) -> Case {
        Case(name: name, limit: limit, count: count, steps: steps.map { ($0.0...$0.0, $0.1) })
    }

    static let cases = [
        single("the first read says nothing", [(0, [])]),
        single(
            "forward doubles to the limit", limit: 4,
            [
                (0, []), (1, [2]), (2, [3, 4]), (3, [5, 6, 7]), (4, [8]), (5, [9]), (6, [10]),
            ]),
        single(
            "backward doubles likewise", limit: 4,
            [
                (100, []), (99, [98]), (98, [97, 96]), (97, [95, 94, 93]), (96, [92]),
            ]),
        single("many reads of a unit are one", [(5, []), (5, []), (6, [7]), (6, []), (6, []), (7, [8, 9]), (7, [])]),
        single("random reads get nothing", [(5, []), (900, []), (17, []), (333, []), (20, []), (700, [])]),
        single(
            "a jump forgets at once", [(0, []), (1, [2]), (2, [3, 4]), (500, []), (501, [502]), (502, [503, 504])]),
        single(
            "a jump back to the run begins anew",
            [
                (0, []), (1, [2]), (2, [3, 4]), (3, [5, 6, 7]), (500, []), (4, []), (5, [6]), (6, [7, 8]),
            ]),
        single("turning round begins anew", [(10, []), (11, [12]), (12, [13, 14]), (10, []), (9, [8]), (8, [7, 6])]),
        single("slightly out of order is one run", [(0, []), (1, [2]), (3, []), (0, []), (1, [2])]),
        single(
            "ahead within what was proposed goes on", [(0, []), (1, [2]), (2, [3, 4]), (4, [5, 6, 7, 8]), (3, [])]),
        single("the end of the file", limit: 8, count: 5, [(0, []), (1, [2]), (2, [3, 4]), (3, []), (4, [])]),
        single("the start of the file", [(3, []), (2, [1]), (1, [0]), (0, [])]),
        single("no read-ahead at all", limit: 0, [(0, []), (1, []), (2, [])]),
        single("a single unit", count: 1, [(0, []), (0, [])]),
        Case(
            name: "reads of several units",
            steps: [(0...3, []), (4...7, [8]), (8...11, [12, 13]), (12...15, [16, 17, 18, 19])]),
        Case(
            name: "reads that overlap by a unit",
            steps: [(0...1, []), (1...2, [3]), (2...3, [4, 5]), (3...4, [6, 7, 8])]),
        Case(name: "random crops of several units", steps: [(0...3, []), (40...43, []), (7...10, []), (80...83, [])]),
    ]

    @Test(arguments: cases.indices)
    func table(index: Int) {
        let item = Self.cases[index]
        var readAhead = ReadAhead(limit: item.limit, count: item.count)
        for (number, step) in item.steps.enumerated() {
            #expect(readAhead.touched(step.0) == step.1, "\(item.name), step \(number)")
        }
    }

    /// What there was no room for is proposed again, by reads that say nothing else as well.
    @Test func whatIsTakenBackIsProposedAgain() {
        var readAhead = ReadAhead(limit: 4, count: 100)
        for (unit, proposed) in [(0, []), (1, [2]), (2, [3, 4]), (3, [5, 6, 7])] {
            #expect(readAhead.touched(unit) == proposed)
        }
        readAhead.takeBack(6)
        #expect(readAhead.touched(3) == [6, 7])
        #expect(readAhead.touched(3) == [])
        readAhead.takeBack(7)
        #expect(readAhead.touched(4) == [7, 8])
        readAhead.takeBack(5)
        // Read meanwhile: no longer ahead.
        #expect(readAhead.touched(5) == [6, 7, 8, 9])
        readAhead.takeBack(5)
        #expect(readAhead.touched(5) == [])
        // Another run.
        #expect(readAhead.touched(50) == [])
        readAhead.takeBack(9)
        #expect(readAhead.touched(50) == [])
        var backward = ReadAhead(limit: 4, count: 100)
        for (unit, proposed) in [(90, []), (89, [88]), (88, [87, 86])] { #expect(backward.touched(unit) == proposed) }
        backward.takeBack(87)
        #expect(backward.touched(88) == [87, 86])
        backward.takeBack(86)
        #expect(backward.touched(87) == [86, 85, 84, 83])
    }

    /// Over any history: what is proposed exists, is not being read, and is within the limit; a run is covered without a
    /// gap; nothing is proposed twice in one run.
    @Test(arguments: [1, 2, 3, 4] as [UInt64])
    func invariants(seed: UInt64) {
        var random = Seeded(seed)
        for _ in 0..<200 {
            let limit = Int.random(in: 1...16, using: &random)
            var readAhead = ReadAhead(limit: limit, count: 200)
            for _ in 0..<20 {
                let unit = Int.random(in: 0..<200, using: &random)
                for proposed in readAhead.touched(unit) {
                    #expect((0..<200).contains(proposed) && abs(proposed - unit) <= limit && proposed != unit)
                }
            }
            var fresh = ReadAhead(limit: limit, count: 200)
            let start = Int.random(in: 0..<150, using: &random)
            var seen: [Int] = []
            for unit in start..<200 { seen += fresh.touched(unit) }
            #expect(seen == Array((start + 2)..<200))
        }
    }
}
