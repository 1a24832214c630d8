internal import ImageCodec

/// A file of the origin: a skeleton, a marker file, a recording, a projection.
public struct RemoteFile: Hashable, Sendable {
    /// Name of the object in the cache; begins with the specimen id.
    public let id: String
    /// Where it is.
    public let url: String
    /// Width and height in px of the JPEG that its bytes are, when the origin makes it on request.
    public let picture: PictureSize?

    /// A file at `url`.
    public init(id: String, url: String, picture: PictureSize? = nil) {
        self.id = id
        self.url = url
        self.picture = picture
    }

    /// The name in the cache of the well known file `file` of `specimen`.
    public static func id(of file: Int, specimen: Int) -> String { "\(specimen)/file/\(file)" }

    /// Whether the origin makes it on request.
    var isImage: Bool { picture != nil }
}

/// How large a picture is, in px.
public struct PictureSize: Hashable, Sendable {
    let width: Int
    let height: Int

    /// A size of `width` by `height` px.
    public init(width: Int, height: Int) {
        self.width = width
        self.height = height
    }

    /// What is wrong with `jpeg` as a picture of this size; nil when it is whole and sound.
    func fault(of jpeg: [UInt8]) -> String? {
        do throws(ImageCodecError) {
            try JPEG.check(jpeg, width: width, height: height)
            return nil
        } catch {
            return "\(error)"
        }
    }
}
