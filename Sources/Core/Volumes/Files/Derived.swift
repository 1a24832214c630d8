package import Specimens

/// Something made from objects of a source, with the versions of the objects that it was made from. The versions that the
/// registry knows when it is finished may be later ones.
package struct Derived<Value: Sendable>: Sendable {
    /// What was made.
    package let value: Value
    /// The objects, each at the version whose bytes were used.
    package let versions: [ObjectVersion]

    /// Something made from objects at these versions.
    package init(value: Value, versions: [ObjectVersion]) {
        self.value = value
        self.versions = versions
    }

    /// Something else made from this, and so from the same versions.
    package func map<Other: Sendable>(_ transform: (Value) -> Other) -> Derived<Other> {
        Derived<Other>(value: transform(value), versions: versions)
    }
}
