import Testing

@testable import DemoOrigin

@Suite struct ByteRangeTests {
    @Test(arguments: [
        (nil, ByteRange.Outcome.whole), ("bytes=0-99", .part(0..<100)), ("bytes=990-", .part(990..<1000)),
        ("bytes=-10", .part(990..<1000)), ("bytes=-5000", .part(0..<1000)), ("bytes=999-5000", .part(999..<1000)),
        ("bytes=1000-", .unsatisfiable), ("bytes=1000-1001", .unsatisfiable), ("bytes=-0", .unsatisfiable),
        ("bytes=5-4", .whole), ("bytes=0-1,4-5", .whole), ("lines=0-1", .whole), ("bytes=x-", .whole),
    ])
    func aRangeHeaderOfAFileOf1000Bytes(header: String?, outcome: ByteRange.Outcome) {
        #expect(ByteRange.resolve(header, size: 1000) == outcome)
    }
}
