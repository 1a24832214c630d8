internal import Layouts
internal import Specimens
internal import Support
internal import Volumes

/// How a whole series is laid out in one file.
enum VolumeFormat: Hashable, Sendable {
    /// BigTIFF, ``Layouts/VolumeTIFF``.
    case tiff
    /// ``Layouts/NumPyArray``.
    case numPy
}

/// A whole series in one file: `stack.tif`, `labels.tif`, `stack.npy`, `labels.npy`.
struct VolumeEntry: SpecimenLeaf {
    let id: Int
    let file: SpecimenFile
    let series: Series
    let format: VolumeFormat

    var node: Node { .specimenFile(id, file) }
    var place: String { file.name }

    func mayExist(_ row: Specimen) -> Bool { series.mayExist(row) }

    func known(_ context: SpecimenContext, _ tree: TreeState) -> Knowledge {
        guard series.exists(context) else { return .absent }
        return Knowledge(
            tree.volumeLayout(context, series, format).map {
                .file(size: $0.fileSize, modified: tree.time(of: context))
            })
    }

    func open(_ context: SpecimenContext, _ tree: TreeState, token: CancellationToken) -> Answer<any OpenFile> {
        .answer { tree.openVolume(context, series, format, token: token, completion: $0) }
    }

    func isMade(from objects: ChangedObjects, _ context: SpecimenContext) -> Bool {
        guard series == .stack else { return objects.hasTracing }
        return context.stack?.planes.contains { objects.images.contains($0.imageID) } == true
    }
}
