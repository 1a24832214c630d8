package import Support

/// Asks a source for one block.
package struct BlockRequest: Sendable {
    /// The object.
    package let object: SourceObject
    /// Which part of it.
    package let part: BlockPart
    /// The version that the caller expects: ``ObjectRecord/validator``. Nil while none is known; then any is taken.
    package var expected: String?
    /// When the request is given up.
    package var deadline: Instant?
    /// The read that this is for, in the log; 0 for none.
    package var requestID: UInt64
    /// Demand as soon as one reader waits.
    package var lane: Lane = .demand
    /// Whether the caller has looked into its store again after ``SourceError/Kind/passed``.
    package var isAfterPassing = false

    /// A request.
    package init(
        object: SourceObject, part: BlockPart, expected: String?, deadline: Instant? = nil, requestID: UInt64 = 0
    ) {
        self.object = object
        self.part = part
        self.expected = expected
        self.deadline = deadline
        self.requestID = requestID
    }
}

extension BlockRequest {
    /// The name of the blocks of the object, at one level. It begins with the specimen, by which a store pins and counts.
    ///
    /// The spelling is that of version 0.1.0: caches on disk know their blocks by it.
    package var blockName: String {
        switch part {
        case .extent, .picture: "\(object.id)"
        case .tile(let tile): "\(object.id)/t\(tile.side)/\(tile.level)"
        }
    }
}

/// Which part of an object a block is.
package enum BlockPart: Hashable, Sendable {
    /// A range of a file: extent `index` of a file of `length` bytes, cut into extents of ``ObjectExtents/size``.
    case extent(Int, length: Int)
    /// A whole picture of `length` bytes, as its JPEG.
    case picture(length: Int)
    /// A square of a plane, or what the right and bottom edges leave of one.
    case tile(Tile)

    /// A square of a plane at one level.
    package struct Tile: Hashable, Sendable {
        /// The number of the tile, row by row.
        package let index: Int
        /// Halvings of width and height; 0 is full resolution.
        package let level: Int
        /// Side of a whole tile, px.
        package let side: Int
        /// Where it lies at its level, px from the plane's top left corner.
        package let frame: SourceObject.Frame
        /// Bits of a pixel, 8 or 16.
        package let bits: Int

        /// A tile.
        package init(index: Int, level: Int, side: Int, frame: SourceObject.Frame, bits: Int = 8) {
            self.index = index
            self.level = level
            self.side = side
            self.frame = frame
            self.bits = bits
        }
    }

    /// The number of the block among those of its object, and of its level.
    package var index: Int {
        switch self {
        case .extent(let index, _): index
        case .picture: 0
        case .tile(let tile): tile.index
        }
    }

    /// Bytes of the whole object; nil where they are not known.
    package var objectLength: Int? {
        switch self {
        case .extent(_, let length), .picture(let length): length
        case .tile: nil
        }
    }
}

/// How files are cut.
package enum ObjectExtents {
    /// Bytes of an extent, but for the last of a file.
    ///
    /// 1 MiB: a request at 500 KB/s (docs/DATA.md 5) takes 2 s, and a random read of 64 KiB costs at most 16 times what
    /// it needs.
    package static let size = 1 << 20

    /// Extents of a file of `length` bytes.
    package static func count(_ length: Int) -> Int { (length + size - 1) / size }

    /// The bytes of extent `index`, from the start of the file; empty outside of it.
    package static func bytes(of index: Int, length: Int) -> Range<Int> {
        let start = min(max(0, index) * size, length)
        return start..<min(start + size, length)
    }
}

/// A block as a source delivers it.
package struct SourceBlock: Sendable {
    /// The bytes, not yet checked against what they should be.
    package let bytes: [UInt8]
    /// The version that the source gave with them: an entity tag, else a date, else empty.
    package let version: String
    /// Seconds that getting it took.
    package let seconds: Double

    /// A block.
    package init(bytes: [UInt8], version: String, seconds: Double) {
        self.bytes = bytes
        self.version = version
        self.seconds = seconds
    }
}
