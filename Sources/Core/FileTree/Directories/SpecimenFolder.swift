internal import Specimens
internal import Support
internal import Volumes

extension SpecimenFile {
    /// The entry of this file in the folder of the specimen `id`.
    func entry(of id: Int) -> any SpecimenEntry {
        switch self {
        case .meta: MetaEntry(id: id)
        case .skeleton: ObjectEntry(id: id, role: .skeleton)
        case .marker: ObjectEntry(id: id, role: .marker)
        case .recording: ObjectEntry(id: id, role: .recording)
        case .instances: InstanceTableEntry(id: id)
        case .stackVolume: VolumeEntry(id: id, file: self, series: .stack, format: .tiff)
        case .labelVolume: VolumeEntry(id: id, file: self, series: .labels, format: .tiff)
        case .stackArray: VolumeEntry(id: id, file: self, series: .stack, format: .numPy)
        case .labelArray: VolumeEntry(id: id, file: self, series: .labels, format: .numPy)
        }
    }
}

/// The folder of a specimen.
struct SpecimenFolder: CatalogueEntry, Folder {
    let id: Int

    var node: Node { .specimen(id) }
    var sizeFolder: Node? { nil }

    func path(_ index: TreeIndex) -> String? { index.snapshot[id].map { "\($0.place.collection)/\($0.place.folder)" } }

    /// Every entry that the folder can hold, in the order of its listing.
    var entries: [any SpecimenEntry] { SpecimenFile.allCases.map { $0.entry(of: id) } + subfolders }

    private var subfolders: [any SpecimenEntry] {
        Series.allCases.map { PlaneFolder(id: id, series: $0) } as [any SpecimenEntry]
            + [
                ProjectionFolder(id: id), ZarrEntry(id: id, number: 0, store: .stack),
                ZarrEntry(id: id, number: 0, store: .labels),
            ]
    }

    /// The same of each specimen; made once, because `ls` asks for the attributes of all folders.
    private static let subfolders = SpecimenFolder(id: 0).subfolders

    func facts(_ index: TreeIndex) -> Facts? {
        index.snapshot[id].map { row in
            .directory(
                subdirectories: Self.subfolders.count { $0.mayExist(row) }, modified: index.snapshot.fetchedAt)
        }
    }

    func child(_ name: String, _ tree: TreeState, token: CancellationToken) -> Answer<any Entry> {
        Promise(entries.first { $0.place == name }.map { .success($0) } ?? .failure(.notFound))
    }

    func children(_ tree: TreeState, token: CancellationToken) -> Answer<[Child]> {
        tree.contexts.context(of: id, token: token).map { context in
            tree.present(entries.filter { $0.mayExist(context.specimen) }.map { ($0.place, $0) }, context)
        }
    }
}
