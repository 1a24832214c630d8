import Specimens
import Testing

@testable import FileTree

@Suite struct InodeCodingTests {
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
            let directories =
                [
                    .specimen(id), .projections(id), .zarr(id, .stack, 3), .zarr(id, .labels, 1 << 24 - 2),
                    .labelsGroup(id, .directory), .nestedLabels(id, 0), .nestedLabels(id, 77),
                ]
                + Series.allCases.map { Node.planes(id, $0) }
            for view in [View.trainable(id)] + SplitPart.allCases.map({ .split($0, id) }) {
                nodes += directories.map { .view(view, $0) }
            }
            nodes += LabelsGroupPart.allCases.map { .labelsGroup(id, $0) }
            nodes += [0, 1, 77, 1 << 24 - 1].map { .nestedLabels(id, $0) }
            for number in [0, 1, 77, 1 << 24 - 1] { nodes += [.zarr(id, .stack, number), .zarr(id, .labels, number)] }
        }
        return nodes
    }()

    @Test func aNodesNumberLeadsBackToItAndNoTwoNodesShareOne() throws {
        var seen: [InodeNumber: Node] = [:]
        for node in Self.nodes {
            let inode = try #require(node.inode)
            #expect(Node(inode) == node)
            #expect(seen.updateValue(node, forKey: inode) == nil, "\(node)")
            #expect(inode.rawValue < 1 << 62 && !inode.isHashed)
        }
    }

    @Test func numbersArePromisesTheseDoNotChangeBetweenVersions() {
        let id = 0x12B5_2786
        let expected: [(Node, UInt64)] = [
            (.root, 1), (.topFile(.readme), 0x0100_0000_0000_0000), (.topFile(.citation), 0x0100_0000_0000_0001),
            (.topFile(.cellsCSV), 0x0100_0000_0000_0002), (.topFile(.cellsJSON), 0x0100_0000_0000_0003),
            (.control, 0x0200_0000_0000_0000), (.controlFile(.status), 0x0300_0000_0000_0000),
            (.controlFile(.metrics), 0x0300_0000_0000_0001), (.controlFile(.config), 0x0300_0000_0000_0002),
            (.species(.mouse), 0x0400_0000_0000_0000), (.species(.human), 0x0400_0000_0000_0001),
            (.specimen(id), 0x0512_B527_8600_0000), (.specimenFile(id, .meta), 0x0612_B527_8600_0000),
            (.specimenFile(id, .skeleton), 0x0612_B527_8600_0001), (.specimenFile(id, .marker), 0x0612_B527_8600_0002),
            (.specimenFile(id, .recording), 0x0612_B527_8600_0003),
            (.specimenFile(id, .instances), 0x0612_B527_8600_0004),
            (.specimenFile(id, .stackVolume), 0x0612_B527_8600_0005),
            (.specimenFile(id, .labelVolume), 0x0612_B527_8600_0006),
            (.specimenFile(id, .stackArray), 0x0612_B527_8600_0007),
            (.specimenFile(id, .labelArray), 0x0612_B527_8600_0008), (.planes(id, .stack), 0x0712_B527_8600_0000),
            (.planes(id, .ignore), 0x0712_B527_8600_0008), (.plane(id, .stack, 41), 0x0812_B527_8600_0029),
            (.plane(id, .labels, 41), 0x0812_B527_8601_0029), (.projections(id), 0x0912_B527_8600_0000),
            (.projection(id, .maxYZ), 0x0A12_B527_8600_0003), (.zarr(id, .stack, 0), 0x0B12_B527_8600_0000),
            (.zarr(id, .labels, 16_777_215), 0x0C12_B527_86FF_FFFF), (.trainable, 0x0D00_0000_0000_0000),
            (.trainableSpecies(.human), 0x0E00_0000_0000_0001), (.grouping(.dendriteType), 0x0F00_0000_0000_0004),
            (.group(.layer, 0x89AB_CDEF), 0x1089_ABCD_EF00_0002), (.splits, 0x1100_0000_0000_0000),
            (.split(.test), 0x1200_0000_0000_0002), (.link(.parentStructure, id), 0x1312_B527_8600_0007),
            (.view(.trainable(id), .specimen(id)), 0x2012_B527_8600_0000),
            (.view(.trainable(id), .planes(id, .ignore)), 0x2112_B527_8600_0008),
            (.view(.split(.train, id), .projections(id)), 0x2A12_B527_8600_0000),
            (.view(.split(.val, id), .zarr(id, .stack, 7)), 0x3312_B527_8600_0007),
            (.view(.split(.test, id), .zarr(id, .labels, 0)), 0x3C12_B527_8600_0000),
            (.labelsGroup(id, .directory), 0x1412_B527_8600_0000), (.labelsGroup(id, .metadata), 0x1412_B527_8600_0001),
            (.labelsGroup(id, .attributes), 0x1412_B527_8600_0002), (.nestedLabels(id, 2), 0x1512_B527_8600_0002),
            (.view(.trainable(id), .labelsGroup(id, .directory)), 0x2512_B527_8600_0000),
            (.view(.split(.test, id), .nestedLabels(id, 3)), 0x3E12_B527_8600_0003),
            (.specimen(Int(UInt32.max)), 0x05FF_FFFF_FF00_0000),
        ]
        for (node, number) in expected { #expect(node.inode?.rawValue == number, "\(node)") }
    }

    @Test func anIdThatNeedsMoreThan32BitsHasNoComputedNumber() {
        for id in [Int(UInt32.max) + 1, 5_000_000_000, Int.max, -1] {
            for node in [
                Node.specimen(id), .plane(id, .stack, 0), .zarr(id, .labels, 3), .link(.name, id),
                .view(.trainable(id), .specimen(id)),
            ] {
                #expect(node.inode == nil, "\(node)")
            }
        }
    }

    @Test func anEntryIsOfTheNodeItIsMadeFromAndAFolderNamesEachOfItsEntriesOnce() {
        for node in Self.nodes { #expect(node.entry.node == node) }
        let entries = SpecimenFolder(id: 7).entries
        #expect(Set(entries.map(\.place)).count == entries.count && Set(entries.map(\.node)).count == entries.count)
        #expect(entries.allSatisfy { $0.id == 7 })
    }

    @Test func numbersThatMeanNothingAreNoNode() {
        for number: UInt64 in [
            0, 2, 1 << 55, 0x7F << 56, 0x1F << 56, 0x27 << 56, 0x2000_0000_0000_0001, UInt64.max, 0x0500_0000_0000_0001,
            0x0100_0000_0000_0009,
        ] {
            #expect(Node(InodeNumber(rawValue: number)) == nil, "\(number)")
        }
    }
}
