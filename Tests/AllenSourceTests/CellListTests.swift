import Specimens
import Support
import TestTools
import Testing

@testable import AllenSource

@Suite struct CellListTests {
    @Test func readsTheFieldsOfARow() throws {
        let row = Rows.cell(
            485_909_730,
            [
                "specimen__name": .string("Cux2-CreERT2;Ai14-205530.03.02.01"), "donor__name": .string("d"),
                "structure__acronym": .string("VISp5"), "structure_parent__acronym": .string("VISp"),
                "structure__layer": .string("2/3"), "line_name": .string(""), "tag__dendrite_type": .string("spiny"),
                "nr__reconstruction_type": .null, "nrwkf__id": .string("555"), "erwkf__id": .number("618211597.0"),
                "new_field": .array([.number("1.50")]),
            ])
        let cell = try #require(try SpecimenList(rows: [row], at: 3)[485_909_730])
        #expect(cell.name == "Cux2-CreERT2;Ai14-205530.03.02.01")
        #expect(cell.species == .mouse)
        #expect(cell.donorID == 1)
        #expect(cell.donorName == "d")
        #expect(cell.structureAcronym == "VISp5")
        #expect(cell.structureParentAcronym == "VISp")
        #expect(cell.layer == "2/3")
        #expect(cell.lineName == nil)
        #expect(cell.dendriteType == "spiny")
        #expect(cell.reconstructionType == nil)
        #expect(cell.skeleton == .file(555, of: 485_909_730))
        #expect(cell.recording == .file(618_211_597, of: 485_909_730))
        #expect(cell.hasImages && cell.hasSkeleton && cell.isTrainable)
        #expect(cell.row == row)
    }

    @Test func emptyNullAndMissingAreAbsent() throws {
        for value in [JSONValue.string(""), .null, nil, .bool(true), .object([:])] {
            var row = Rows.cell(5)
            for key in row.keys where key != "specimen__id" && key != "donor__species" { row[key] = value }
            let cell = try #require(try SpecimenList(rows: [row], at: 0)[5])
            #expect(cell.name == "5")
            #expect(cell.donorID == nil)
            #expect(!cell.hasImages && !cell.hasSkeleton && !cell.isTrainable)
        }
    }

    @Test func rowsThatAreNoCellsAreCounted() throws {
        let rows = [
            Rows.cell(30), Rows.cell(10, species: "homo SAPIENS"), Rows.cell(30, ["specimen__name": .string("again")]),
            ["specimen__name": .string("no id")], Rows.cell(0), Rows.cell(-4), Rows.cell(40, species: "Rattus"),
            Rows.cell(50, species: ""), Rows.cell(20, ["specimen__name": .null]), [:],
        ]
        let list = try CellList(rows: rows)
        let snapshot = list.list(at: 0, generation: 1)
        #expect(snapshot.specimens.map(\.id) == [10, 20, 30])
        #expect(snapshot[10]?.species == .human)
        #expect(snapshot[30]?.name == "cell 30")
        #expect(snapshot[40] == nil)
        let counts = Dictionary(uniqueKeysWithValues: list.issues.map { ($0.kind, $0.count) })
        #expect(counts == [.missingSpecimenID: 4, .duplicateSpecimenID: 1, .unknownSpecies: 2, .missingName: 1])
        let missing = list.issues.first { $0.kind == .missingSpecimenID }
        #expect(missing?.examples == ["row 3", "row 4", "row 5", "row 9"])
        #expect(throws: CatalogueError.noUsableRows(rows: 2)) {
            try SpecimenList(rows: [[:], Rows.cell(1, species: "x")], at: 0)
        }
    }

    @Test func absurdNumbersAreNoFactsOfACell() throws {
        let numbers = [Int.max, 9_000_000_000, Int.min, -1, 0].map { JSONValue.int($0) }
        let absurd = numbers + [.string("NaN"), .number("1e999")]
        let list = try CellList(rows: [Rows.cell(1)] + absurd.map { Rows.cell(1, ["specimen__id": $0]) })
        #expect(list.specimens.map(\.id) == [1])
        let issue = try #require(list.issues.first { $0.kind == .missingSpecimenID })
        #expect(issue.count == absurd.count)
    }

    @Test func examplesAreFew() throws {
        let rows = [Rows.cell(1)] + (2...100).map { Rows.cell($0, species: "Rattus") }
        let issue = try #require(try CellList(rows: rows).issues.first)
        #expect(issue.count == 99)
        #expect(issue.examples.count == 5)
        #expect(issue.description.hasSuffix(", ...)"))
    }

    @Test func namesMayHoldAnyCharacter() throws {
        let name = "a/b;\"c\"\\ \u{E9}\u{1F600}\0\n"
        let cell = try #require(
            try SpecimenList(rows: [Rows.cell(1, ["specimen__name": .string(name)])], at: 0)[1])
        #expect(cell.name == "a/b;\"c\"\\ \u{E9}\u{1F600}\u{FFFD}\n")
        #expect(cell.row["specimen__name"] == .string(name))
    }

    @Test(.enabled(if: RealData.has(OfficialTable.file))) func theRealSplit() throws {
        let snapshot = try SpecimenList(rows: try OfficialTable.rows.get(), at: 0)
        // Counted by a Python program from the official CSV.
        #expect(snapshot.splits.train.count == 544)
        #expect(snapshot.splits.val.count == 52)
        #expect(snapshot.splits.test.count == 72)
    }
}
