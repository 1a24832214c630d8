internal import Layouts
internal import Specimens
internal import Support
internal import Volumes

/// A plane: `stack/0000.tif`, `labels/0000.tif`.
struct PlaneEntry: SpecimenLeaf {
    let id: Int
    let index: Int
    let series: Series

    var node: Node { .plane(id, series, index) }
    var sizeFolder: Node? { .planes(id, series) }
    var place: String { "\(series.folder)/\(PlaneNames.name(index))" }

    func mayExist(_ row: Specimen) -> Bool { series.mayExist(row) }

    private func image(_ context: SpecimenContext) -> PlaneImage? {
        series.exists(context) ? context.stack?.plane(at: index) : nil
    }

    func known(_ context: SpecimenContext, _ tree: TreeState) -> Knowledge {
        Knowledge(
            image(context).flatMap { tree.planeLayout(context, series, $0) }.map {
                .file(size: $0.fileSize, modified: tree.time(of: context))
            })
    }

    func open(_ context: SpecimenContext, _ tree: TreeState, token: CancellationToken) -> Answer<any OpenFile> {
        guard let image = image(context), let layout = tree.planeLayout(context, series, image) else {
            return Promise(.failure(.notFound))
        }
        return .answer { completion in
            if series == .stack {
                tree.openStackPlane(context, image, index, layout, completion: completion)
            } else {
                tree.openLabelPlane(context, series, image, index, layout, token: token, completion: completion)
            }
        }
    }

    /// A plane of labels comes from the skeleton.
    func original(_ tree: TreeState, token: CancellationToken) -> Answer<Original?> {
        withContext(tree, token: token) { context in
            guard let image = image(context) else { return nil }
            guard series == .stack else {
                return context.objects.skeleton.map {
                    Original(url: tree.parts.files.address(of: $0), object: $0.id)
                }
            }
            return Original(
                url: tree.parts.planes.address(of: image, specimen: id),
                object: PlaneReader.objectID(of: image, specimen: id))
        }
    }

    func isMade(from objects: ChangedObjects, _ context: SpecimenContext) -> Bool {
        series == .stack
            ? image(context).map { objects.images.contains($0.imageID) } ?? false : objects.hasTracing
    }
}
