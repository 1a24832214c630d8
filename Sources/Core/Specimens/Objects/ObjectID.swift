/// Names one object of a source for good: an image, a skeleton, a marker file, a recording.
///
/// Its text is part of the name of every block that a store keeps, so the spelling never changes.
package struct ObjectID: Hashable, Sendable, CustomStringConvertible {
    /// What the number counts.
    package enum Kind: String, Sendable {
        /// A file, served by extents.
        case file
        /// A picture: a plane of a stack, or a projection.
        case image
    }

    /// The specimen that the object belongs to. A store pins and counts the blocks of a specimen by this part.
    package let specimen: Int
    /// What the number counts.
    package let kind: Kind
    /// The number of the file or image within its source.
    package let number: Int

    /// The object `number` of a specimen.
    package init(specimen: Int, kind: Kind, number: Int) {
        self.specimen = specimen
        self.kind = kind
        self.number = number
    }

    /// A file of a specimen.
    package static func file(_ number: Int, of specimen: Int) -> ObjectID {
        ObjectID(specimen: specimen, kind: .file, number: number)
    }

    /// An image of a specimen.
    package static func image(_ number: Int, of specimen: Int) -> ObjectID {
        ObjectID(specimen: specimen, kind: .image, number: number)
    }

    /// For example `313862022/image/321549654`.
    package var description: String { "\(specimen)/\(kind.rawValue)/\(number)" }
}
