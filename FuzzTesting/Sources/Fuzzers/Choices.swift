/// Parameters taken from the bytes of an input, so that libFuzzer controls them. They are zero once the input is used
/// up.
struct Choices {
    private var bytes: ArraySlice<UInt8>

    init(_ bytes: [UInt8]) { self.bytes = bytes[...] }

    /// Choices that depend on every byte of `bytes` (FNV-1a), for inputs that must stay files of a known format.
    init(hashing bytes: [UInt8]) {
        var state: UInt64 = 0xCBF2_9CE4_8422_2325
        for byte in bytes { state = (state ^ UInt64(byte)) &* 0x100_0000_01B3 }
        var drawn: [UInt8] = []
        for _ in 0..<64 {
            // Knuth's MMIX generator; any generator with a good spread would do.
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            drawn.append(UInt8(truncatingIfNeeded: state >> 56))
        }
        self.bytes = drawn[...]
    }

    mutating func byte() -> UInt8 { bytes.popFirst() ?? 0 }

    mutating func bool() -> Bool { byte() & 1 == 1 }

    mutating func word() -> UInt64 { (0..<8).reduce(0) { word, _ in word << 8 | UInt64(byte()) } }

    /// A number in `range`; two bytes decide it.
    mutating func int(_ range: ClosedRange<Int>) -> Int {
        range.lowerBound + (Int(byte()) << 8 | Int(byte())) % (range.upperBound - range.lowerBound + 1)
    }

    /// A range in `0...end`.
    mutating func range(upTo end: Int) -> Range<Int> {
        let ends = [int(0...max(end, 0)), int(0...max(end, 0))].sorted()
        return ends[0]..<ends[1]
    }

    mutating func element<Element>(_ elements: [Element]) -> Element { elements[Int(byte()) % elements.count] }

    /// Any Double, not-a-number, infinities and subnormals included.
    mutating func anyDouble() -> Double { Double(bitPattern: word()) }
}
