internal import Specimens

/// The blocks of a folder: bytes of files, and pixels as they are.
struct FolderCodec: BlockCodec {
    func decode(_ bytes: [UInt8], _ part: BlockPart, of object: SourceObject) throws(BlockFault) -> [UInt8]? {
        switch part {
        case .extent(let index, let length):
            let wanted = ObjectExtents.bytes(of: index, length: length).count
            guard bytes.count == wanted else { throw BlockFault("\(bytes.count) bytes, not \(wanted)") }
            return nil
        case .picture: throw BlockFault("a folder has no pictures")
        case .tile(let tile):
            let wanted = tile.frame.width * tile.frame.height * (tile.bits / 8)
            guard bytes.count == wanted else { throw BlockFault("\(bytes.count) bytes, not \(wanted)") }
            return bytes
        }
    }
}
