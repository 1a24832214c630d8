/// A number of bytes: `500M`, `50G`, `1T`, or plain.
package struct ByteCount: Sendable {
    /// Never negative.
    package var bytes: Int

    /// A number of bytes.
    init(bytes: Int) { self.bytes = bytes }

    /// Powers of two of the units.
    private static let units: [(letter: String, power: Int)] = [("T", 40), ("G", 30), ("M", 20), ("K", 10)]

    /// The number that `argument` stands for; nil if none.
    package init?(argument: String) {
        let unit = Self.units.first { argument.uppercased().hasSuffix($0.letter) }
        guard let value = Double(unit == nil ? argument : String(argument.dropLast())), value >= 0, value.isFinite
        else { return nil }
        let bytes = value * Double(1 << (unit?.power ?? 0))
        guard bytes < 9e18 else { return nil }
        self.bytes = Int(bytes)
    }

    /// The number in the largest unit of which it is a multiple: `50G`.
    var text: String {
        for (letter, power) in Self.units where bytes > 0 && bytes % (1 << power) == 0 {
            return "\(bytes >> power)\(letter)"
        }
        return "\(bytes)"
    }
}
