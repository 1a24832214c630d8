/// An object as a source can be asked for it.
package struct SourceObject: Hashable, Sendable {
    /// Where a picture lies in its full frame, px.
    package struct Frame: Hashable, Sendable {
        /// Left edge, px from that of the full frame.
        package let x: Int
        /// Top edge, px from that of the full frame.
        package let y: Int
        /// Width, px, 1 or more.
        package let width: Int
        /// Height, px, 1 or more.
        package let height: Int

        /// A rectangle of the full frame.
        package init(x: Int, y: Int, width: Int, height: Int) {
            self.x = x
            self.y = y
            self.width = width
            self.height = height
        }
    }

    /// Names the object.
    package let id: ObjectID
    /// The rectangle that a picture shows; nil for a file.
    package let frame: Frame?

    /// An object.
    package init(id: ObjectID, frame: Frame? = nil) {
        self.id = id
        self.frame = frame
    }
}
