/// Finds the word that a misspelt one stands for.
enum Spelling {
    /// The word of `words` nearest to `word`, whatever the case of the letters. It is nil when more than one letter in three
    /// would have to change.
    static func nearest(to word: String, among words: [String]) -> String? {
        let limit = max(1, word.count / 3)
        let near = words.map { (word: $0, distance: distance(word.lowercased(), $0.lowercased())) }
            .filter { $0.distance <= limit }
        return near.min { $0.distance < $1.distance }?.word
    }

    /// Letters to insert, remove, replace, or swap with their neighbour, until `first` is `second` (optimal string
    /// alignment distance).
    static func distance(_ first: String, _ second: String) -> Int {
        let (a, b) = (Array(first), Array(second))
        var before: [Int] = []
        var last = Array(0...b.count)
        for i in 0..<a.count {
            var row = [i + 1]
            for j in 0..<b.count {
                var least = min(last[j + 1] + 1, row[j] + 1, last[j] + (a[i] == b[j] ? 0 : 1))
                if i > 0, j > 0, a[i] == b[j - 1], a[i - 1] == b[j] { least = min(least, before[j - 1] + 1) }
                row.append(least)
            }
            before = last
            last = row
        }
        return last[b.count]
    }
}
