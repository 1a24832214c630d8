internal import Layouts
internal import Morphology
internal import Specimens
internal import Support
internal import Volumes

/// `stack.ome.zarr/labels/`, where OME-Zarr puts the labels of an image. The files in it are those of `labels.ome.zarr`, but
/// for two that name the image (``ZarrStoreKind/nestedLabels``).
struct LabelsGroupFolder: SpecimenEntry, Folder {
    let id: Int

    var node: Node { .labelsGroup(id, .directory) }
    var place: String { "\(ZarrStoreKind.stack.folder)/\(OMEZarrLabels.folder)" }

    func mayExist(_ row: Specimen) -> Bool { Series.labels.mayExist(row) }

    func known(_ context: SpecimenContext, _ tree: TreeState) -> Knowledge {
        tree.zarrStore(context, .nestedLabels) == nil
            ? .absent : .known(.directory(subdirectories: 1, modified: tree.time(of: context)))
    }

    func isMade(from objects: ChangedObjects, _ context: SpecimenContext) -> Bool {
        objects.hasTracing && context.hasLabels
    }

    /// Every entry of the group, in the order of its listing.
    private func entries(_ tree: TreeState) -> [(name: String, entry: any SpecimenEntry)] {
        [
            (".zattrs", LabelsGroupFile(id: id, part: .attributes)),
            (".zgroup", LabelsGroupFile(id: id, part: .metadata)),
            (tree.parts.mainVariant.name, ZarrEntry(id: id, number: 0, store: .nestedLabels)),
        ]
    }

    func child(_ name: String, _ tree: TreeState, token: CancellationToken) -> Answer<any Entry> {
        Promise(entries(tree).first { $0.name == name }.map { .success($0.entry) } ?? .failure(.notFound))
    }

    func children(_ tree: TreeState, token: CancellationToken) -> Answer<[Child]> {
        withContext(tree, token: token) { context in
            guard case .known = known(context, tree) else { return nil }
            return tree.present(entries(tree), context)
        }
    }
}

/// A metadata file of this group.
struct LabelsGroupFile: SpecimenLeaf {
    let id: Int
    let part: LabelsGroupPart

    var node: Node { .labelsGroup(id, part) }
    var place: String { "\(LabelsGroupFolder(id: id).place)/\(part == .metadata ? ".zgroup" : ".zattrs")" }

    func mayExist(_ row: Specimen) -> Bool { Series.labels.mayExist(row) }

    func known(_ context: SpecimenContext, _ tree: TreeState) -> Knowledge {
        tree.zarrStore(context, .nestedLabels) == nil
            ? .absent : .known(.file(size: bytes(tree).count, modified: tree.time(of: context)))
    }

    func open(_ context: SpecimenContext, _ tree: TreeState, token: CancellationToken) -> Answer<any OpenFile> {
        guard case .known = known(context, tree) else { return Promise(.failure(.notFound)) }
        return Promise(.success(BytesFile(tree.openBytes.share(bytes(tree), for: node))))
    }

    func isMade(from objects: ChangedObjects, _ context: SpecimenContext) -> Bool { false }

    private func bytes(_ tree: TreeState) -> [UInt8] {
        let labels = OMEZarrLabels(name: tree.parts.mainVariant.name)
        return part == .metadata ? labels.zgroup() : labels.zattrs()
    }
}
