internal import Support

/// The species of a donor; raw values are the names of the top folders.
public enum Species: String, Sendable, CaseIterable {
    /// Mus musculus.
    case mouse
    /// Homo sapiens, which the API spells `Homo Sapiens`.
    case human

    /// The species called `name` in `donor__species`, whatever its capitals; `nil` for any other.
    public init?(scientificName name: String) {
        switch name.lowercased() {
        case "mus musculus": self = .mouse
        case "homo sapiens": self = .human
        default: return nil
        }
    }
}
