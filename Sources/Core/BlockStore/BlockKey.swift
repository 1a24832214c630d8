/// One object of the source in one of its versions. Blocks are parts of it.
package struct ObjectIdentity: Hashable, Sendable {
    /// Names the object and begins with the specimen id, for example `313862022/image/321549654`, so that the blocks of
    /// a specimen can be pinned and counted by prefix.
    package let id: String
    /// The version of the object (its ETag, else its Last-Modified, else empty) and the name of the source.
    package let validator: String
    /// The length of the whole object in bytes; nil where it is unknown, as for tiles cut by a server.
    package let length: Int?

    /// An identity from its parts.
    package init(id: String, validator: String, length: Int?) {
        self.id = id
        self.validator = validator
        self.length = length
    }
}

/// Names one block: the version of an object and the number of the tile or extent in it.
package struct BlockKey: Hashable, Sendable {
    /// The object in the version that the block belongs to.
    package let object: ObjectIdentity
    /// The number of the tile or extent in the object, from 0.
    package let index: Int

    /// A key from its parts.
    package init(object: ObjectIdentity, index: Int) {
        self.object = object
        self.index = index
    }
}

extension ObjectIdentity {
    /// The part of an object id before the first slash.
    static func specimen(ofID id: String) -> String {
        String(id.prefix { $0 != "/" })
    }
}
