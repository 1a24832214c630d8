internal import Layouts
internal import Logging
internal import Morphology
internal import SpecimenData
internal import Specimens
public import Support

extension TreeState {
    /// Opens `stack/0000.tif` and its like.
    func openStackPlane(
        _ context: SpecimenContext, _ image: PlaneImage, _ index: Int, _ layout: PlaneTIFF,
        completion: @escaping @Sendable (Result<any OpenFile, FileTreeError>) -> Void
    ) {
        // Who comes to the end of a plane reads on in the next that there is, who comes to its start in the one before.
        let before = context.stack.flatMap { stack in (0..<index).reversed().lazy.compactMap(stack.plane).first }
        let after = context.stack.flatMap { stack in (index + 1..<stack.depth).lazy.compactMap(stack.plane).first }
        let images = [before, image, after].compactMap { $0 }
        parts.planes.version(of: image, specimen: context.id) { [self] version in
            let ahead = PlaneLookahead(
                images: images, specimen: context.id, planes: parts.planes, window: parts.readAheadWindow)
            completion(
                .success(
                    VersionedFile(
                        StackPlaneFile(
                            layout: layout, version: version, planes: parts.planes, ahead: ahead,
                            position: before == nil ? 0 : 1, handovers: handovers, buffers: buffers, strips: strips),
                        of: version, planes: parts.planes, registry: parts.registry)))
        }
    }

    /// Opens `labels/0000.tif` and its like.
    func openLabelPlane(
        _ context: SpecimenContext, _ series: Series, _ image: PlaneImage, _ index: Int, _ layout: PlaneTIFF,
        token: CancellationToken, completion: @escaping @Sendable (Result<any OpenFile, FileTreeError>) -> Void
    ) {
        guard let variant = series.variant(main: parts.mainVariant),
            let subject = context.subject(in: context.grid(of: image))
        else { return completion(.failure(.notFound)) }
        parts.skeletons.labels(of: subject, variant: variant, token: token) { [self] outcome in
            completion(
                outcome.mapError { .data($0) }.map {
                    VersionedFile(
                        LabelPlaneFile(layout: layout, source: $0.value, plane: index, buffers: buffers),
                        of: $0.versions, registry: parts.registry)
                })
        }
    }

    /// The TIFF layout of a plane. All planes of a series share one, so it is made once a size.
    func planeLayout(_ context: SpecimenContext, _ series: Series, _ image: PlaneImage) -> PlaneTIFF? {
        let key = LayoutKey(
            width: image.width, height: image.height, bits: series.bitsPerSample(main: parts.mainVariant),
            resolution: image.resolution, zSpacing: context.zSpacing,
            variant: series.variant(main: parts.mainVariant))
        if let layout = layouts[key] { return layout }
        do throws(TIFFLayoutError) {
            let layout = try PlaneTIFF(
                width: image.width, height: image.height, bitsPerSample: key.bits,
                spacing: ZYX(z: SpecimenContext.planeDistance, y: image.resolution, x: image.resolution),
                description: key.variant.map(LabelRules.tiffDescription))
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
    var resolution: Double
    var zSpacing: Double
    /// `nil` for images.
    var variant: LabelVariant?
}
