internal import Specimens
package import Support

/// The rows of tiles of some planes of images, in the order of the planes. A plane without an image has none.
package struct TileRows: PrefetchRows {
    private let images: PlaneImages
    private let before: PlaneImage?
    private let after: PlaneImage?
    /// Rows of tiles of each of `images`.
    private let rows: Int
    /// The first row of tiles of `images`.
    private let start: Int
    /// The first row of tiles of `after`.
    private let end: Int
    package let count: Int
    private let specimen: Int
    private let planes: PlaneReader

    init(_ images: PlaneImages, before: PlaneImage?, after: PlaneImage?, specimen: Int, planes: PlaneReader) {
        self.images = images
        self.before = before
        self.after = after
        self.specimen = specimen
        self.planes = planes
        rows = images.first.map(planes.tileRows) ?? 0
        start = before.map(planes.tileRows) ?? 0
        end = start + images.count * rows
        count = end + (after.map(planes.tileRows) ?? 0)
    }

    package func number(plane: Int, row: Int) -> Int? {
        images.place(of: plane).map { start + $0 * rows + row / planes.side }
    }

    package func prefetch(
        _ number: Int, from column: Int, token: CancellationToken, isLeft: @escaping @Sendable (Int) -> Void
    ) {
        guard let (image, row) = image(with: number) else { return }
        planes.version(of: image, specimen: specimen) { [planes] version in
            planes.prefetch(version, tileRow: row, from: column, token: token, isLeft: isLeft)
        }
    }

    /// The image that has a row of tiles, and which of its rows that is.
    private func image(with number: Int) -> (PlaneImage, row: Int)? {
        if number < start { return before.map { ($0, number) } }
        if number >= end { return after.map { ($0, number - end) } }
        let (place, row) = (number - start).quotientAndRemainder(dividingBy: rows)
        return images[images.plane(at: place)].map { ($0, row) }
    }
}
