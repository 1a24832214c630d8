/// One file or directory of an OME-Zarr image, as `OMEZarrImage` finds it by its path.
package enum OMEZarrNode: Hashable, Sendable {
    /// The image's own directory.
    case root
    /// `.zgroup`.
    case groupMetadata
    /// `.zattrs`.
    case groupAttributes
    /// `.zmetadata`.
    case consolidatedMetadata
    /// `n`: the directory of a level's array.
    case level(Int)
    /// `n/.zarray`.
    case arrayMetadata(level: Int)
    /// `n/z`: the directory of the chunks with one z index.
    case chunkPlane(level: Int, z: Int)
    /// `n/z/y`: the directory of the chunks with one z and one y index.
    case chunkRow(level: Int, z: Int, y: Int)
    /// `n/z/y/x`: the file of a chunk, of `ZarrArrayLayout.chunkByteCount` bytes.
    case chunk(level: Int, index: ZYX<Int>)

    /// Whether this has children rather than bytes.
    package var isDirectory: Bool {
        switch self {
        case .root, .level, .chunkPlane, .chunkRow: true
        case .groupMetadata, .groupAttributes, .consolidatedMetadata, .arrayMetadata, .chunk: false
        }
    }
}

/// The directory tree. Every chunk is in it; a caller that leaves out empty chunks must answer for those itself.
extension OMEZarrImage {
    /// What lies at a path below the image's directory, for example `["0", "12", "3", "7"]`; no components mean the
    /// directory itself. `nil` where there is nothing.
    package func node(at path: some Sequence<some StringProtocol>) -> OMEZarrNode? {
        var node = OMEZarrNode.root
        for component in path {
            guard let child = child(component, of: node) else { return nil }
            node = child
        }
        return node
    }

    /// The child of a directory with a given name; `nil` where there is none. A number must be in its canonical form:
    /// "07" names nothing.
    package func child(_ name: some StringProtocol, of node: OMEZarrNode) -> OMEZarrNode? {
        let metadata = metadataFiles(of: node)
        if let file = metadata.first(where: { $0.name == name }) { return file.node }
        guard let number = Self.index(name), number < childCount(of: node) - metadata.count else { return nil }
        return numbered(number, of: node)
    }

    /// How many children a directory has; 0 for a file.
    package func childCount(of node: OMEZarrNode) -> Int {
        let numbered =
            switch node {
            case .root: levels.count
            case .level(let level): levels[level].array.chunkGrid.z
            case .chunkPlane(let level, _): levels[level].array.chunkGrid.y
            case .chunkRow(let level, _, _): levels[level].array.chunkGrid.x
            case .groupMetadata, .groupAttributes, .consolidatedMetadata, .arrayMetadata, .chunk: 0
            }
        return metadataFiles(of: node).count + numbered
    }

    /// A child of a directory by its place in the listing: metadata files first, then ascending numbers.
    ///
    /// - Parameter position: 0..<`childCount(of: node)`.
    package func child(at position: Int, of node: OMEZarrNode) -> (name: String, node: OMEZarrNode) {
        let metadata = metadataFiles(of: node)
        if position < metadata.count { return metadata[position] }
        let number = position - metadata.count
        return (String(number), numbered(number, of: node))
    }

    /// Bytes of a file; 0 for a directory.
    package func byteCount(of node: OMEZarrNode) -> Int {
        if case .chunk(let level, _) = node { return levels[level].array.chunkByteCount }
        return metadata(of: node)?.count ?? 0
    }

    /// The bytes of a metadata file; `nil` for directories and chunks.
    package func metadata(of node: OMEZarrNode) -> [UInt8]? {
        switch node {
        case .groupMetadata: zgroup()
        case .groupAttributes: zattrs()
        case .consolidatedMetadata: zmetadata()
        case .arrayMetadata(let level): zarray(level: level)
        case .root, .level, .chunkPlane, .chunkRow, .chunk: nil
        }
    }

    private func metadataFiles(of node: OMEZarrNode) -> [(name: String, node: OMEZarrNode)] {
        switch node {
        case .root:
            [(".zattrs", .groupAttributes), (".zgroup", .groupMetadata), (".zmetadata", .consolidatedMetadata)]
        case .level(let level): [(".zarray", .arrayMetadata(level: level))]
        default: []
        }
    }

    /// The child of a directory that is called `number`, which must be in range.
    private func numbered(_ number: Int, of node: OMEZarrNode) -> OMEZarrNode {
        switch node {
        case .root: .level(number)
        case .level(let level): .chunkPlane(level: level, z: number)
        case .chunkPlane(let level, let z): .chunkRow(level: level, z: z, y: number)
        case .chunkRow(let level, let z, let y): .chunk(level: level, index: ZYX(z: z, y: y, x: number))
        case .groupMetadata, .groupAttributes, .consolidatedMetadata, .arrayMetadata, .chunk:
            preconditionFailure("a file has no children")
        }
    }

    /// A number from 0 in decimal digits without leading zeros.
    private static func index(_ name: some StringProtocol) -> Int? {
        let digits = name.utf8
        guard digits.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }),
            digits.first != UInt8(ascii: "0") || digits.count == 1
        else { return nil }
        return Int(name)
    }
}
