internal import ImageCodec
internal import Specimens

/// The blocks of an image service: tiles and pictures are JPEG, extents are bytes.
struct JPEGCodec: BlockCodec {
    func decode(_ bytes: [UInt8], _ part: BlockPart, of object: SourceObject) throws(BlockFault) -> [UInt8]? {
        if case .extent(let index, let length) = part {
            let wanted = ObjectExtents.bytes(of: index, length: length).count
            guard bytes.count == wanted else { throw BlockFault("\(bytes.count) bytes, not \(wanted)") }
            return nil
        }
        do throws(ImageCodecError) {
            if case .tile(let tile) = part {
                return try JPEG.decodeLuma(bytes, width: tile.frame.width, height: tile.frame.height)
            }
            if let frame = object.frame { try JPEG.check(bytes, width: frame.width, height: frame.height) }
            return nil
        } catch {
            throw BlockFault("\(error)")
        }
    }
}
