import Specimens
import Testing

@testable import FileTree

@Suite("Inode numbers")
struct InodeCodingTests {
    private static let ids = [0, 1, 313_862_022, 1_234_567_890, Int(UInt32.max)]

    private static let nodes: [Node] = {
        var nodes: [Node] = [.root, .control, .trainable, .splits]
        nodes += TopFile.allCases.map { .topFile($0) } + ControlFile.allCases.map { .controlFile($0) }
        nodes += Species.allCases.flatMap { [Node.species($0), .trainableSpecies($0)] }
        nodes += Grouping.allCases.flatMap { grouping in
            [Node.grouping(grouping), .group(grouping, 0), .group(grouping, .max)]
        }
        nodes += SplitPart.allCases.map { .split($0) }
        for id in ids {
            nodes += [.specimen(id), .projections(id)]
            nodes += SpecimenFile.allCases.map { .specimenFile(id, $0) }
            nodes += ProjectionFile.allCases.map { .projection(id, $0) }
            nodes += LinkPlace.allCases.map { .link($0, id) }
            for series in Series.allCases {
                nodes.append(.planes(id, series))
                nodes += [0, 1, 626, 65_535].map { .plane(id, series, $0) }
            }
            for number in [0, 1, 77, 1 << 24 - 1] { nodes += [.zarr(id, .stack, number), .zarr(id, .labels, number)] }
        }
        return nodes
    }()

    @Test("a node's number leads back to it, and no two nodes share one")
    func roundTrip() {
        var seen: [InodeNumber: Node] = [:]
        for node in Self.nodes {
            #expect(Node(node.inode) == node)
            #expect(seen.updateValue(node, forKey: node.inode) == nil, "\(node)")
            #expect(node.inode.rawValue < 1 << 63)
        }
    }

    @Test("numbers are promises: these do not change between versions")
    func golden() {
        #expect(Node.root.inode.rawValue == 1)
        #expect(Node.specimen(313_862_022).inode.rawValue == 0x0512_B527_8600_0000)
        #expect(Node.plane(313_862_022, .labels, 41).inode.rawValue == 0x0812_B527_8601_0029)
        #expect(Node.specimenFile(529_878_215, .skeleton).inode.rawValue == 0x061F_954C_C700_0001)
    }

    @Test("numbers that mean nothing are no node")
    func strangers() {
        for number: UInt64 in [0, 2, 1 << 55, 0x7F << 56, UInt64.max, 0x0500_0000_0000_0001, 0x0100_0000_0000_0009] {
            #expect(Node(InodeNumber(rawValue: number)) == nil, "\(number)")
        }
    }
}
