import Testing

@testable import FileTree

@Suite struct NodeTableTests {
    @Test func aNumberIsAHashOfTheSourceAndThePathTheseDoNotChangeBetweenVersions() {
        let allen = NodeTable(identity: "http://api.brain-map.org")
        #expect(allen.number(of: "mouse/5000000000").rawValue == 0x4F39_B051_8C41_B245)
        #expect(allen.number(of: "mouse/5000000000/stack/0001.tif").rawValue == 0x4346_E6DF_2F58_8CCA)
        #expect(NodeTable(identity: "demo").number(of: "mouse/5000000000").rawValue == 0x7074_A8F8_1E9B_07CC)
    }

    @Test func aNumberHas62BitsOfAnyHashSoItIsAboveEveryComputedNumber() {
        for hash in [0, 1, UInt64.max, 1 << 63, 1 << 62] {
            let number = NodeTable { _ in hash }.number(of: "x")
            #expect(number.isHashed && number.rawValue >> 62 == 1 && Node(number) == nil)
        }
        #expect(!InodeNumber.root.isHashed && !InodeNumber(rawValue: UInt64.max).isHashed)
    }

    @Test func aNameIsKeptUntilAllItsRepliesAreTakenBack() throws {
        let table = NodeTable(identity: "test")
        let name = table.name(.specimen(5_000_000_000), at: "mouse/5000000000")
        #expect(table[name.number] == nil)
        for _ in 0..<3 { try table.countLookup(of: name) }
        #expect(table[name.number]?.node == name.node && table[name.number]?.path == name.path)
        table.forget(name.number, count: 2)
        #expect(table[name.number] != nil)
        table.forget(name.number, count: 1)
        #expect(table[name.number] == nil)
        // What was never told, or told less often, does no harm.
        table.forget(name.number, count: 1)
        try table.countLookup(of: name)
        table.forget(name.number, count: .max)
        #expect(table[name.number] == nil)
    }

    @Test func aNumberThatIsHeldIsGivenToNoOtherPathAndIsFreeAgainWhenItIsNotHeld() throws {
        let table = NodeTable { _ in 7 }
        let first = table.name(.specimen(5_000_000_000), at: "mouse/5000000000")
        let second = table.name(.specimen(6_000_000_000), at: "mouse/6000000000")
        try table.countLookup(of: first)
        let error = #expect(throws: FileTreeError.self) { try table.countLookup(of: second) }
        guard case .numberTaken(by: "mouse/5000000000") = error else {
            return #expect(Bool(false), "\(String(describing: error))")
        }
        #expect(table[first.number]?.path == first.path)
        // The refused lookup was not counted.
        table.forget(first.number, count: 1)
        #expect(table[first.number] == nil)
        try table.countLookup(of: second)
        #expect(table[first.number]?.path == second.path)
    }
}
