import Support
import Testing

@testable import DemoOrigin

@Suite struct WorldTests {
    private var world: World { TestWorld.world }

    @Test func aDozenCellsOfBothSpeciesWithAll54Columns() {
        #expect(world.cellCount == 12)
        #expect(Set(world.cells.map(\.isHuman)) == [true, false])
        #expect(world.cells.allSatisfy { $0.details.keys == Columns.names && $0.details.keys.count == 54 })
        #expect(Set(world.specimens).count == 12)
        let donors = world.cells.compactMap { $0.details["donor__id"]?.intValue }
        #expect(Set(donors).count < donors.count, "some donors have two cells")
        #expect(world.cells.contains { !$0.hasImages })
        #expect(world.cells.contains { $0.hasImages && $0.skeletonFile == nil })
    }

    @Test func noIdMeansTwoThings() throws {
        var seen: Set<Int> = []
        for (index, cell) in world.cells.enumerated() {
            var ids = World.files(of: cell, at: index).map(\.id) + [MadeID.id(cell, .ephysResult), cell.id]
            if let reconstruction = cell.reconstruction { ids.append(reconstruction) }
            if let stack = try world.stack(cell) {
                ids += stack.subImages + stack.projections + [stack.dataSet]
                #expect(stack.subImages == stack.subImages.sorted())
            }
            for id in ids { #expect(seen.insert(id).inserted, "\(id)") }
        }
    }

    @Test func stacksStartWhereTheyShouldAndOneLacksAPlane() throws {
        let human = try #require(try world.stack(TestWorld.cell(900_000_203)))
        #expect(human.sections == Array(26..<186))
        #expect(human.yzWidth == Int(185 * 0.28 / 0.1144))
        let gap = try #require(try world.stack(TestWorld.cell(900_000_120)))
        #expect(gap.sections.count == 89)
        #expect(!gap.sections.contains(43))
        #expect(gap.planeSpan == 90)
    }

    @Test func skeletonsLieInsideTheirStacksAndAreTheSameEveryTime() throws {
        let again = World.builtIn()
        for cell in world.cells {
            guard let stack = try world.stack(cell) else { continue }
            let bytes = try #require(try world.skeletonBytes(cell))
            #expect(try again.skeletonBytes(again.cells[cell.ordinal]) == bytes)
            let nodes = try world.skeleton(cell).nodes
            #expect(nodes.count > 500)
            #expect(nodes.filter { $0.type == 1 }.count == 1)
            #expect(nodes.allSatisfy { $0.x > 0 && $0.x < Float(stack.frameWidth) * 0.1144 })
            #expect(nodes.allSatisfy { $0.y > 0 && $0.y < Float(stack.frameHeight) * 0.1144 })
            #expect(nodes.allSatisfy { $0.z > 0 && $0.z < Float(stack.planeSpan) * 0.28 })
        }
    }

    @Test func everySpellingOfSWCOccurs() throws {
        func text(_ specimen: Int) throws -> String {
            String(decoding: try #require(try world.skeletonBytes(TestWorld.cell(specimen))), as: UTF8.self)
        }
        func rows(_ text: String) -> [[Substring]] {
            text.split(whereSeparator: \.isNewline).filter { $0.first != "#" }.map { $0.split(separator: " ") }
        }
        let zero = try text(900_000_105)
        #expect(zero.hasPrefix("#n,type,x,y,z,radius,parent\n"))
        #expect(rows(zero).first?.first == "0")
        #expect(rows(try text(900_000_112)).filter { $0[6] == "-1" }.count == 6)
        let windows = try text(900_000_120)
        #expect(Array(windows.utf8).filter { $0 == 13 }.count == Array(windows.utf8).filter { $0 == 10 }.count)
        #expect(!(try text(900_000_101)).utf8.contains(13))
        let late = rows(try text(900_000_131))
        var before: Set<Substring> = ["-1"]
        let orphans = late.filter { row in
            before.insert(row[0])
            return !before.contains(row[6])
        }
        #expect(orphans.count == 1)
        #expect(Set(rows(try text(900_000_101)).map { $0[1] }) == ["1", "2", "3", "4"])
    }

    @Test func decimalsAreWrittenAsTheDatabaseDoes() {
        #expect(SWCWriter.decimal(272.844) == "272.844")
        #expect(SWCWriter.decimal(25.2) == "25.2")
        #expect(SWCWriter.decimal(7) == "7")
        #expect(SWCWriter.decimal(0.00004) == "0")
        #expect(SWCWriter.decimal(-1.5) == "-1.5")
        #expect(SWCWriter.decimal(0.0601) == "0.0601")
    }

    @Test func theCataloguesExportTellsNullFromAnEmptyText() {
        let rows = CSVTable.parse(Array("a,b,c,d\r\n\"\",,\"say \"\"hi\"\", x\",5\n".utf8))
        #expect(rows.count == 2)
        #expect(rows[1].map(\.text) == ["", "", "say \"hi\", x", "5"])
        #expect(Columns.value(rows[1][0], column: "line_name") == .string(""))
        #expect(Columns.value(rows[1][1], column: "line_name") == .null)
        #expect(Columns.value(rows[1][3], column: "ef__ri") == .number("5.0"))
        #expect(Columns.value(rows[1][3], column: "donor__id") == .number("5"))
        #expect(Columns.value(rows[1][3], column: "structure__layer") == .string("5"))
    }
}
