/// The species of a specimen; raw values are the names of the top folders.
package enum Species: String, Sendable, CaseIterable {
    /// Mus musculus.
    case mouse
    /// Homo sapiens.
    case human

    /// The species with the scientific `name`, whatever its capitals; nil for any other.
    package init?(scientificName name: String) {
        switch name.lowercased() {
        case "mus musculus": self = .mouse
        case "homo sapiens": self = .human
        default: return nil
        }
    }
}
