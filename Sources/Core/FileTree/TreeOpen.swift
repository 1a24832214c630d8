internal import Catalogue
internal import Logging
internal import Morphology
internal import SpecimenData
public import Support
internal import VirtualTIFF

extension Tree {
    /// Opens a file for reading. The handle sees one version of the bytes.
    public func open(
        _ inode: InodeNumber, token: CancellationToken,
        completion: @escaping @Sendable (Result<any OpenFile, FileTreeError>) -> Void
    ) {
        guard let node = Node(inode) else { return completion(.failure(.notFound)) }
        switch node {
        case .topFile(let file):
            return completion(.success(BytesFile(currentIndex.topFiles[file] ?? [])))
        case .controlFile(let file):
            return completion(.success(BytesFile(ControlDocument.padded(parts.controlDocument(file)), isLive: true)))
        default: break
        }
        guard let id = node.specimenID else { return completion(.failure(.isDirectory)) }
        context(of: id, token: token) { [self] outcome in
            switch outcome {
            case .failure(let error): completion(.failure(error))
            case .success(let context): open(node, context, token: token, completion: completion)
            }
        }
    }

    private func open(
        _ node: Node, _ context: SpecimenContext, token: CancellationToken,
        completion: @escaping @Sendable (Result<any OpenFile, FileTreeError>) -> Void
    ) {
        switch node {
        case .specimenFile(_, .meta): completion(.success(BytesFile(metaBytes(context))))
        case .specimenFile(_, .instances):
            instanceTable(context, token: token) { completion($0.map { BytesFile($0) }) }
        case .specimenFile(_, .stackVolume): openVolume(context, .stack, token: token, completion: completion)
        case .specimenFile(_, .labelVolume): openVolume(context, .labels, token: token, completion: completion)
        case .plane(_, let series, let index):
            guard let image = context.stack?.plane(at: index), let layout = planeLayout(context, series, image) else {
                return completion(.failure(.notFound))
            }
            if series == .stack {
                openStackPlane(context, image, index, layout, completion: completion)
            } else {
                openLabelPlane(context, series, image, index, layout, token: token, completion: completion)
            }
        case .zarr(_, let series, let number):
            openZarr(context, series, number, token: token, completion: completion)
        default:
            guard let file = remoteFile(of: node, context) else {
                return completion(.failure(node.kind == .directory ? .isDirectory : .notFound))
            }
            openRemote(file, token: token, completion: completion)
        }
    }

    private func openRemote(
        _ file: RemoteFile, token: CancellationToken,
        completion: @escaping @Sendable (Result<any OpenFile, FileTreeError>) -> Void
    ) {
        parts.files.version(of: file, token: token) { [self] outcome in
            completion(
                outcome.mapError { .data($0) }.map {
                    VersionedFile(
                        RemoteOpenFile($0, files: parts.files, window: parts.readAheadWindow), objectID: file.id,
                        registry: parts.registry)
                })
        }
    }

    private func openStackPlane(
        _ context: SpecimenContext, _ image: PlaneImage, _ index: Int, _ layout: PlaneTIFF,
        completion: @escaping @Sendable (Result<any OpenFile, FileTreeError>) -> Void
    ) {
        let next = context.stack?.plane(at: index + 1)
        parts.planes.version(of: image, specimen: context.id) { [self] version in
            @Sendable func open(next: PlaneReader.Version?) {
                completion(
                    .success(
                        VersionedFile(
                            StackPlaneFile(
                                layout: layout, version: version, next: next, planes: parts.planes, buffers: buffers,
                                window: parts.readAheadWindow)
                        ) { [planes = parts.planes] in planes.isCurrent(version) }))
            }
            guard let next else { return open(next: nil) }
            parts.planes.version(of: next, specimen: context.id) { open(next: $0) }
        }
    }

    private func openLabelPlane(
        _ context: SpecimenContext, _ series: Series, _ image: PlaneImage, _ index: Int, _ layout: PlaneTIFF,
        token: CancellationToken, completion: @escaping @Sendable (Result<any OpenFile, FileTreeError>) -> Void
    ) {
        guard let variant = series.variant(main: parts.mainVariant),
            let subject = context.subject(in: context.grid(of: image), endpoint: parts.endpoint)
        else { return completion(.failure(.notFound)) }
        parts.skeletons.labels(of: subject, variant: variant, token: token) { [self] outcome in
            completion(
                outcome.mapError { .data($0) }.map {
                    VersionedFile(
                        LabelPlaneFile(layout: layout, source: $0, plane: index, buffers: buffers),
                        objectID: subject.skeleton.id, registry: parts.registry)
                })
        }
    }

    /// The TIFF layout of a plane. All planes of a series share one, so it is made once a size.
    func planeLayout(_ context: SpecimenContext, _ series: Series, _ image: PlaneImage) -> PlaneTIFF? {
        let key = LayoutKey(
            width: image.width, height: image.height, bits: series.bitsPerSample(main: parts.mainVariant),
            resolution: image.resolution)
        if let layout = layouts[key] { return layout }
        do throws(TIFFLayoutError) {
            let layout = try PlaneTIFF(
                width: image.width, height: image.height, bitsPerSample: key.bits,
                spacing: PixelSpacing(x: image.resolution, y: image.resolution, z: SpecimenContext.planeDistance),
                description: nil)
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
}
