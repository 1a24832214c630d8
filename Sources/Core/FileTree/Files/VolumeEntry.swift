internal import Specimens
internal import SpecimenData
internal import Support
internal import Layouts

/// A whole series in one file: `stack.tif`, `labels.tif`.
struct VolumeEntry: SpecimenLeaf {
    let id: Int
    let file: SpecimenFile
    let series: Series

    var node: Node { .specimenFile(id, file) }
    var place: String { file.name }

    func mayExist(_ row: Specimen) -> Bool { series.mayExist(row) }

    func known(_ context: SpecimenContext, _ tree: TreeState) -> Knowledge {
        guard series.exists(context) else { return .absent }
        return Knowledge(
            tree.volumeLayout(context, series).map { .file(size: $0.fileSize, modified: tree.time(of: context)) })
    }

    func open(_ context: SpecimenContext, _ tree: TreeState, token: CancellationToken) -> Answer<any OpenFile> {
        .answer { tree.openVolume(context, series, token: token, completion: $0) }
    }

    func isMade(from object: ChangedObject, _ context: SpecimenContext) -> Bool {
        guard series == .stack else { return object == .tracing }
        return context.stack?.planes.contains { object == .image($0.imageID) } == true
    }
}
