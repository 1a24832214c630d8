internal import Layouts
internal import Logging
internal import Morphology
internal import Specimens
internal import Support
internal import Volumes

extension TreeState {
    /// Opens `stack/0000.tif` and its like.
    func openStackPlane(
        _ context: SpecimenContext, _ image: PlaneImage, _ index: Int, _ layout: PlaneTIFF,
        completion: @escaping @Sendable (Result<any OpenFile, FileTreeError>) -> Void
    ) {
        // A reader that comes to the end of a plane reads on in the next that there is, one that comes to its start in the
        // one before.
        let before = context.stack.flatMap { stack in (0..<index).reversed().lazy.compactMap(stack.plane).first }
        let after = context.stack.flatMap { stack in (index + 1..<stack.depth).lazy.compactMap(stack.plane).first }
        parts.planes.settle(.plane(image), specimen: context.id).whenDone { [self] _ in
            let volume = planeVolume(context, image, index)
            let reader = SequentialReader(
                of: layout, volume, rows: volume.prefetchRows(before: before, after: after),
                window: parts.readAheadWindow, strips: strips,
                neighbours: SequentialReader.Neighbours(
                    own: image.imageID, before: before?.imageID, after: after?.imageID, transfers: transfers))
            completion(.success(ArrayFile(layout, of: volume, buffers: buffers, reader: reader)))
        }
    }

    /// Opens `labels/0000.tif` and its like.
    func openLabelPlane(
        _ context: SpecimenContext, _ series: Series, _ image: PlaneImage, _ index: Int, _ layout: PlaneTIFF,
        token: CancellationToken, completion: @escaping @Sendable (Result<any OpenFile, FileTreeError>) -> Void
    ) {
        // Each plane that is there has labels in its own place and size.
        labelVolume(context, series, in: context.grid(of: image), gaps: [], token: token) { [buffers] outcome in
            completion(
                outcome.map { volume in
                    var layout = layout
                    layout.plane = index
                    return ArrayFile(layout, of: volume, buffers: buffers)
                })
        }
    }

    /// The TIFF layout of a plane. All planes of a series share one, so it is made once a size.
    func planeLayout(_ context: SpecimenContext, _ series: Series, _ image: PlaneImage) -> PlaneTIFF? {
        let key = LayoutKey(
            width: image.width, height: image.height,
            bits: series.bitsPerSample(main: parts.mainVariant, images: image.bits),
            spacing: ZYX(z: context.spacing.z, y: image.ySpacing, x: image.xSpacing),
            variant: series.variant(main: parts.mainVariant))
        if let layout = layouts[key] { return layout }
        do throws(TIFFLayoutError) {
            let layout = try PlaneTIFF(
                width: image.width, height: image.height, bitsPerSample: key.bits,
                spacing: key.spacing, description: key.variant.map(LabelRules.tiffDescription))
            layouts.insert(layout, for: key, cost: layout.headerSize)
            return layout
        } catch {
            parts.logger.error(
                "no TIFF can hold this plane",
                metadata: ["specimen": "\(context.id)", "image": "\(image.imageID)", "reason": "\(error)"])
            return nil
        }
    }
}

/// What the layout of a plane depends on.
struct LayoutKey: Hashable, Sendable {
    var width: Int
    var height: Int
    var bits: Int
    /// Distance of two voxels, um.
    var spacing: ZYX<Double>
    /// `nil` for images.
    var variant: LabelVariant?
}
