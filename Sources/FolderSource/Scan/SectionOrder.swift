internal import Specimens

/// Which section of a series each of its files is.
///
/// The last number in a name is that of its section: a missing file leaves a gap, as in the stacks that this program serves.
/// Where a name has no number, where two have the same, and where the numbers span more than a stack has, they say nothing;
/// then the files follow each other in the order in which a person counts: `z9` before `z10`.
struct SectionOrder {
    /// Ascending by section: the index of the name, and its section.
    let sections: [(index: Int, section: Int)]

    init(_ names: [String]) {
        let numbers = names.map(Self.lastNumber)
        let known = numbers.compactMap { $0 }
        if known.count == names.count, Set(known).count == names.count, let least = known.min(),
            let most = known.max(), most - least < ImageStack.maximumDepth
        {
            sections = zip(names.indices, known).map { ($0, $1) }.sorted { $0.1 < $1.1 }
        } else {
            let keys = names.map(Self.parts)
            let order = names.indices.sorted { left, right in
                if keys[left] == keys[right] { return names[left] < names[right] }
                return keys[left].lexicographicallyPrecedes(keys[right])
            }
            sections = order.enumerated().map { ($1, $0) }
        }
    }

    /// The last number in `name` before its ending, at most 9 digits of it.
    private static func lastNumber(_ name: String) -> Int? {
        let stem = PairNames.stem(name).utf8
        let end = stem.lastIndex(where: isDigit).map { stem.index(after: $0) } ?? stem.startIndex
        let digits = stem[..<end].reversed().prefix(while: isDigit).reversed()
        return digits.count <= 9 ? Int(String(decoding: digits, as: UTF8.self)) : nil
    }

    /// A piece of a name: digits, which count as a number, or what is between them.
    private enum Part: Comparable {
        case number(String)
        case text(String)

        /// Numbers of any length: leading zeros are gone, so that more digits are more.
        static func < (left: Part, right: Part) -> Bool {
            switch (left, right) {
            case (.number(let one), .number(let other)):
                one.utf8.count != other.utf8.count ? one.utf8.count < other.utf8.count : one < other
            case (.text(let one), .text(let other)): one < other
            case (.number, .text): true
            case (.text, .number): false
            }
        }
    }

    private static func parts(_ name: String) -> [Part] {
        var parts: [Part] = []
        var rest = Array(name.utf8)[...]
        while let first = rest.first {
            let piece = rest.prefix { isDigit($0) == isDigit(first) }
            rest = rest.dropFirst(piece.count)
            let text = String(decoding: isDigit(first) ? piece.drop { $0 == UInt8(ascii: "0") } : piece, as: UTF8.self)
            parts.append(isDigit(first) ? .number(text) : .text(text))
        }
        return parts
    }

    private static func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }
}
