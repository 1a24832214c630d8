internal import Specimens

/// Where objects are: the download service has files, the image service has pictures and tiles.
struct ObjectAddresses: Sendable {
    /// Base of the API.
    let endpoint: String

    /// The URL of a whole object.
    func url(of object: SourceObject) -> String {
        guard let frame = object.frame else { return RMA.fileURL(base: endpoint, fileID: object.id.number) }
        return RMA.imageURL(
            base: endpoint, imageID: object.id.number, left: frame.x, top: frame.y, width: frame.width,
            height: frame.height)
    }

    /// The URL of a block; that of the whole file where the block is a range of it.
    func url(of request: BlockRequest) -> String {
        guard case .tile(let tile) = request.part, let plane = request.object.frame else {
            return url(of: request.object)
        }
        let level = tile.level
        // In full-resolution pixels of the full frame. What a level rounds up at the right and bottom edges ends there.
        return RMA.imageURL(
            base: endpoint, imageID: request.object.id.number, left: plane.x + tile.frame.x << level,
            top: plane.y + tile.frame.y << level,
            width: min(tile.frame.width << level, plane.width - tile.frame.x << level),
            height: min(tile.frame.height << level, plane.height - tile.frame.y << level), downsample: level)
    }
}
