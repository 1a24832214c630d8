/// An object of the origin at one of its versions.
public struct ObjectVersion: Hashable, Sendable {
    /// Name of the object in the cache.
    public let id: String
    /// Number of the version; grows when the upstream object changes.
    public let number: Int
}

/// Something made from files of the origin, with the versions of the files that it was made from. The versions that the
/// registry knows when it is finished may be later ones.
public struct Derived<Value: Sendable>: Sendable {
    /// What was made.
    public let value: Value
    /// The files, each at the version whose bytes were used.
    public let versions: [ObjectVersion]

    /// Something made from files at these versions.
    public init(value: Value, versions: [ObjectVersion]) {
        self.value = value
        self.versions = versions
    }

    /// Something else made from this, and so from the same versions.
    public func map<Other: Sendable>(_ transform: (Value) -> Other) -> Derived<Other> {
        Derived<Other>(value: transform(value), versions: versions)
    }
}

extension FileReader.Version {
    /// The file and the number of the version.
    public var object: ObjectVersion { ObjectVersion(id: file.id, number: number) }
}
