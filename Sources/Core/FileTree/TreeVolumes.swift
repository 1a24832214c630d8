internal import Layouts
internal import Logging
internal import Morphology
internal import SpecimenData
internal import Specimens
internal import Support

extension TreeState {
    /// The BigTIFF of a whole series; nil when the stack has none.
    func volumeLayout(_ context: SpecimenContext, _ series: Series) -> VolumeTIFF? {
        guard let stack = context.stack else { return nil }
        do throws(TIFFLayoutError) {
            return try VolumeTIFF(
                width: stack.width, height: stack.height, depth: stack.depth,
                bitsPerSample: series.bitsPerSample(main: parts.mainVariant), spacing: context.spacing,
                description: volumeDescription(context, series))
        } catch {
            parts.logger.error(
                "no TIFF can hold this stack", metadata: ["specimen": "\(context.id)", "reason": "\(error)"])
            return nil
        }
    }

    /// What the file says of itself.
    private func volumeDescription(_ context: SpecimenContext, _ series: Series) -> String {
        let labels = series.variant(main: parts.mainVariant).map(LabelRules.tiffDescription)
        return labels.map { "\($0); specimen=\(context.id)" }
            ?? "image stack of specimen \(context.id) of the \(currentIndex.texts.name)"
    }

    /// Opens `stack.tif` or `labels.tif`.
    func openVolume(
        _ context: SpecimenContext, _ series: Series, token: CancellationToken,
        completion: @escaping @Sendable (Result<any OpenFile, FileTreeError>) -> Void
    ) {
        guard let layout = volumeLayout(context, series), let stack = context.stack else {
            return completion(.failure(.notFound))
        }
        guard series != .stack else {
            return completion(
                .success(
                    StackVolumeFile(
                        layout: layout, images: (0..<stack.depth).map(context.volumePlane), specimen: context.id,
                        planes: parts.planes, registry: parts.registry, buffers: buffers,
                        window: parts.readAheadWindow)))
        }
        labelSource(context, series, level: 0, token: token) { [self] outcome in
            completion(
                outcome.map { source in
                    VersionedFile(
                        LabelVolumeFile(layout: layout, source: source.value, buffers: buffers), of: source.versions,
                        registry: parts.registry)
                })
        }
    }
}
