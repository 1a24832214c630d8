internal import Layouts
internal import Logging
internal import Morphology
internal import Specimens
internal import Support
internal import Volumes

extension TreeState {
    /// The layout of a whole series as one file; nil when the stack has none. Open files share it.
    func volumeLayout(
        _ context: SpecimenContext, _ series: Series, _ format: VolumeFormat
    ) -> (any ArrayLayout)? {
        guard let stack = context.stack else { return nil }
        let key = VolumeLayoutKey(
            shape: ZYX(z: stack.depth, y: stack.height, x: stack.width), spacing: context.spacing,
            bits: series.bitsPerSample(main: parts.mainVariant, images: stack.bits), format: format,
            description: volumeDescription(context, series))
        if let layout = volumeLayouts[key] { return layout }
        do {
            let layout = try key.layout
            volumeLayouts.insert(layout, for: key, cost: 1)
            return layout
        } catch {
            parts.logger.error(
                "no file of this format can hold this stack",
                metadata: ["specimen": "\(context.id)", "format": "\(format)", "reason": "\(error)"])
            return nil
        }
    }

    /// What the file says of itself.
    private func volumeDescription(_ context: SpecimenContext, _ series: Series) -> String {
        let labels = series.variant(main: parts.mainVariant).map(LabelRules.tiffDescription)
        return labels.map { "\($0); specimen=\(context.id)" }
            ?? "image stack of specimen \(context.id) of the \(index.texts.name)"
    }

    /// Opens a whole series as one file.
    func openVolume(
        _ context: SpecimenContext, _ series: Series, _ format: VolumeFormat, token: CancellationToken,
        completion: @escaping @Sendable (Result<any OpenFile, FileTreeError>) -> Void
    ) {
        guard let layout = volumeLayout(context, series, format), let stack = context.stack,
            let grid = context.stackGrid
        else {
            return completion(.failure(.notFound))
        }
        guard series == .stack else {
            return labelVolume(context, series, level: 0, token: token) { [buffers] outcome in
                completion(outcome.map { ArrayFile(layout, of: $0, buffers: buffers) })
            }
        }
        let images = PlaneImages.stack(stack)
        parts.planes.settle(images, specimen: context.id).whenDone { [self] _ in
            let volume = ImageVolume(
                images, of: context.id, geometry: VolumeGeometry(grid), planes: parts.planes, registry: parts.registry)
            let reader = SequentialReader(
                of: layout, volume, rows: volume.prefetchRows(), window: parts.readAheadWindow, strips: strips)
            completion(.success(ArrayFile(layout, of: volume, buffers: buffers, reader: reader)))
        }
    }

    /// The image of one plane, in its own place and size, as a volume of depth 1.
    func planeVolume(_ context: SpecimenContext, _ image: PlaneImage, _ index: Int) -> ImageVolume {
        let stack = VolumeGeometry(context.grid(of: image))
        let box = VoxelBox(z: index..<index + 1, y: 0..<image.height, x: 0..<image.width)
        return ImageVolume(
            .plane(image), of: context.id, geometry: stack.crop(to: box), planes: parts.planes, registry: parts.registry
        )
    }

    /// The labels of a specimen's whole stack at one level; planes without an image are unknown.
    func labelVolume(
        _ context: SpecimenContext, _ series: Series, level: Int, token: CancellationToken,
        completion: @escaping @Sendable (Result<LabelVolume, FileTreeError>) -> Void
    ) {
        labelVolume(
            context, series, in: context.stackGrid, level: level, gaps: context.gaps, token: token,
            completion: completion)
    }

    /// The labels of a specimen in `grid`.
    ///
    /// - Parameter gaps: the planes without an image.
    func labelVolume(
        _ context: SpecimenContext, _ series: Series, in grid: VoxelGrid?, level: Int = 0, gaps: Set<Int>,
        token: CancellationToken, completion: @escaping @Sendable (Result<LabelVolume, FileTreeError>) -> Void
    ) {
        guard let variant = series.variant(main: parts.mainVariant), let subject = context.subject(in: grid) else {
            return completion(.failure(.notFound))
        }
        parts.skeletons.labels(of: subject, variant: variant, level: level, token: token).whenDone { [self] outcome in
            completion(
                outcome.mapError { .data($0) }.map { labels in
                    LabelVolume(
                        labels.value, variant: variant, gaps: gaps, watch: VersionWatch(labels.versions, parts.registry)
                    )
                })
        }
    }
}

/// What the layout of a whole series depends on.
struct VolumeLayoutKey: Hashable, Sendable {
    var shape: ZYX<Int>
    var spacing: ZYX<Double>
    var bits: Int
    var format: VolumeFormat
    /// Not in every format.
    var description: String

    fileprivate var layout: any ArrayLayout {
        get throws {
            switch format {
            case .tiff:
                try VolumeTIFF(
                    width: shape.x, height: shape.y, depth: shape.z, bitsPerSample: bits, spacing: spacing,
                    description: description)
            case .numPy: try NumPyArray(shape: shape, element: VoxelType(bits: bits))
            }
        }
    }
}
