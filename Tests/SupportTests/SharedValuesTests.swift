import Support
import Testing

@Suite struct SharedValuesTests {
    private typealias Table = SharedValues<Int, [String]>
    private let table = Table()

    /// Whether two holders have one copy of their value.
    private func isShared(_ first: Table.Holder, _ second: Table.Holder) -> Bool {
        first.value.withUnsafeBufferPointer { first in
            second.value.withUnsafeBufferPointer { second in first.baseAddress == second.baseAddress }
        }
    }

    @Test func holdersOfEqualValuesShareOne() {
        let first = table.share(["a", "b"], for: 1)
        #expect(isShared(table.share(["a", "b"], for: 1), first) && first.value == ["a", "b"])
        #expect(!isShared(table.share(["a", "b"], for: 2), first))
    }

    @Test func anotherValueIsSharedFromThenOnAndTheOldOneStaysWhatItIs() {
        let old = table.share(["a"], for: 1)
        let new = table.share(["b"], for: 1)
        #expect(old.value == ["a"] && new.value == ["b"])
        #expect(isShared(table.share(["b"], for: 1), new))
        #expect(!isShared(table.share(["a"], for: 1), old))
    }

    @Test func aValueIsForgottenWithItsLastHolder() {
        var held = [table.share(["a"], for: 1), table.share(["a"], for: 1), table.share(["c"], for: 2)]
        #expect(table.count == 2)
        held.removeFirst()
        #expect(table.count == 2)
        held.removeFirst()
        #expect(table.count == 1)
        held.removeAll()
        #expect(table.count == 0)
    }

    @Test func theEndOfAnOldValueLeavesTheNewOneInTheTable() {
        var old: Table.Holder? = table.share(["a"], for: 1)
        let new = table.share(["b"], for: 1)
        #expect(old?.value == ["a"])
        old = nil
        #expect(isShared(table.share(["b"], for: 1), new))
    }

    @Test func threadsThatOpenAndCloseTheSameLeaveNothing() throws {
        let threads = try (0..<4).map { number in
            try NamedThread("share-\(number)") { [table] in
                var held: [Table.Holder] = []
                for round in 0..<3000 {
                    let holder = table.share([String(round / 7 % 3)], for: round % 2)
                    if holder.value != [String(round / 7 % 3)] { Issue.record("a value of another round") }
                    held.append(holder)
                    if held.count > 5 { held.removeFirst(3) }
                }
            }
        }
        for thread in threads { thread.join() }
        #expect(table.count == 0)
    }
}
