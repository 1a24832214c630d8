internal import Specimens
package import Support

/// The rows of tiles of some planes of images, in the order of the planes. A plane without an image has none.
package struct TileRows: PrefetchRows {
    private let images: [PlaneImage]
    /// The first row of tiles of each image, and behind the last the number of all.
    private let starts: [Int]
    /// The place of each plane's image among `images`.
    private let places: [Int?]
    private let specimen: Int
    private let planes: PlaneReader

    init(_ planeImages: [PlaneImage?], before: PlaneImage?, after: PlaneImage?, specimen: Int, planes: PlaneReader) {
        var images = before.map { [$0] } ?? []
        places = planeImages.map { image in
            guard let image else { return nil }
            images.append(image)
            return images.count - 1
        }
        if let after { images.append(after) }
        self.images = images
        starts = images.reduce(into: [0]) { $0.append($0[$0.count - 1] + planes.tileRows(of: $1)) }
        self.specimen = specimen
        self.planes = planes
    }

    package var count: Int { starts[images.count] }

    package func number(plane: Int, row: Int) -> Int? { places[plane].map { starts[$0] + row / planes.side } }

    package func prefetch(
        _ number: Int, from column: Int, token: CancellationToken, isLeft: @escaping @Sendable (Int) -> Void
    ) {
        let place = place(of: number)
        planes.version(of: images[place], specimen: specimen) { [planes, starts] version in
            planes.prefetch(version, tileRow: number - starts[place], from: column, token: token, isLeft: isLeft)
        }
    }

    /// The image that has the row of tiles: the last that begins at or before it.
    private func place(of number: Int) -> Int {
        var (low, high) = (0, images.count)
        while high - low > 1 {
            let middle = (low + high) / 2
            if starts[middle] <= number { low = middle } else { high = middle }
        }
        return low
    }
}
