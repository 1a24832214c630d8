import Foundation
import Testing

@Suite struct StoryTests {
    /// `NEURONFS_STORIES=1000 swift test --filter StoryTests` plays more.
    private static let seeds = 0..<(ProcessInfo.processInfo.environment["NEURONFS_STORIES"].flatMap(UInt64.init) ?? 16)

    private static let length = 120

    /// Every second story is of two sources in one mount.
    @Test(.timeLimit(.minutes(10)), arguments: seeds)
    func everyAnswerIsThatOfTheModel(seed: UInt64) throws {
        func fault(_ steps: [Step]) throws -> String? {
            try StoryRun.fault(steps, in: CellWorld(hasTwoSources: seed % 2 == 1))
        }
        let steps = Story.steps(seed, count: Self.length)
        guard let first = try fault(steps) else { return }
        let shortest = try Story.shortest(steps, fault: fault)
        Issue.record("seed \(seed): \(first)\nThe shortest story: \(shortest)")
    }

    /// A server whose files change under one tag: nobody can notice, and handles read bytes of two versions.
    @Test(.timeLimit(.minutes(10)))
    func theModelFindsASourceThatHidesItsChanges() throws {
        func fault(_ steps: [Step]) throws -> String? {
            try StoryRun.fault(steps, in: CellWorld(hidesChanges: true))
        }
        // Short ones, because each is played again and again while it is made shorter.
        let stories = (0..<200).map { Story.steps($0, count: 40) }
        let steps = try #require(try stories.first { try fault($0) != nil })
        let shortest = try Story.shortest(steps, fault: fault)
        #expect(try fault(shortest) != nil && shortest.count <= 4, "\(shortest)")
    }

    @Test func whatIsDrawnIsOfTheNewVersionFromTheFirstOpenAfterAChange() throws {
        let names = ["labels/0001.tif", "labels.tif", "labels-instance.json", "meta.json"]
        for name in names {
            let story: [Step] = [
                .list(cell: 7), .change(cell: 7, object: .skeleton), .stat(cell: 7, name: name),
                .change(cell: 7, object: .skeleton), .open(cell: 7, name: name),
            ]
            #expect(try StoryRun.fault(story, in: CellWorld()) == nil, "\(name)")
        }
    }
}
