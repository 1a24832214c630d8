/// One option of `find` that names a property of cells.
struct CellFilter {
    /// The option: `--layer`.
    let option: String
    /// The values wanted. A cell with any of them matches; without values every cell matches.
    let wanted: [String]
    /// Whether a part of the value is enough.
    var takesParts = false
    /// The values of the property that a cell has.
    let values: (FoundCell) -> [String]

    /// Most values in a sentence.
    private static let mostListed = 12

    func matches(_ cell: FoundCell) -> Bool {
        wanted.isEmpty || wanted.contains { word in values(cell).contains { isMatch($0, word) } }
    }

    /// A sentence about the first wanted value that no cell has, with the values that cells have; nil when cells have all
    /// wanted values.
    func unknown(in cells: [FoundCell]) -> String? {
        let known = Set(cells.flatMap(values)).subtracting([""]).sorted()
        guard let word = wanted.first(where: { word in !known.contains { isMatch($0, word) } }) else { return nil }
        var sentence = "no cell has \(option) \(word)"
        if let near = Spelling.nearest(to: word, among: known) {
            sentence += "; did you mean \(near)?"
        }
        if known.count <= Self.mostListed {
            sentence += (sentence.hasSuffix("?") ? " There are " : "; there are ") + known.joined(separator: ", ")
        }
        return sentence
    }

    private func isMatch(_ value: String, _ word: String) -> Bool {
        let (value, word) = (Self.plain(value), Self.plain(word))
        return takesParts ? value.contains(word) : value == word
    }

    /// Folders write "sparsely-spiny" and "2-3" where the database has "sparsely spiny" and "2/3".
    private static func plain(_ text: String) -> String {
        String(text.lowercased().map { "-_/".contains($0) ? " " : $0 })
    }
}
