internal import Specimens

extension Node {
    /// The entry of this node: the one place that tells the kinds of nodes apart.
    var entry: any Entry {
        switch self {
        case .root: RootFolder()
        case .topFile(let file): TopFileEntry(file: file)
        case .control: ControlFolder()
        case .controlFile(let file): ControlFileEntry(file: file)
        case .species(let species): CollectionFolder(name: species.rawValue)
        case .collection(let name): CollectionFolder(name: name)
        case .specimen(let id): SpecimenFolder(id: id)
        case .specimenFile(let id, let file): file.entry(of: id)
        case .planes(let id, let series): PlaneFolder(id: id, series: series)
        case .plane(let id, let series, let index): PlaneEntry(id: id, index: index, series: series)
        case .projections(let id): ProjectionFolder(id: id)
        case .projection(let id, let file): ObjectEntry(id: id, role: .projection(file))
        case .zarr(let id, let series, let number):
            ZarrEntry(id: id, number: number, store: series == .stack ? .stack : .labels)
        case .labelsGroup(let id, .directory): LabelsGroupFolder(id: id)
        case .labelsGroup(let id, let part): LabelsGroupFile(id: id, part: part)
        case .nestedLabels(let id, let number): ZarrEntry(id: id, number: number, store: .nestedLabels)
        case .trainable: TrainableFolder()
        case .trainableSpecies(let species): TrainableCollection(name: species.rawValue)
        case .trainableCollection(let name): TrainableCollection(name: name)
        case .grouping(let grouping): GroupingFolder(grouping: grouping)
        case .group(let grouping, let hash): GroupFolder(grouping: grouping, hash: hash)
        case .splits: SplitsFolder()
        case .split(let part): SplitFolder(part: part)
        case .link(let place, let id): SpecimenLink(place: place, id: id)
        case .view(let view, let own): own.entry.folder(in: view)
        }
    }
}
