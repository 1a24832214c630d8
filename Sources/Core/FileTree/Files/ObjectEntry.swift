internal import Fetch
internal import Specimens
internal import Support
internal import Volumes

/// Which object of a specimen a file shows, byte for byte.
enum ObjectRole: Hashable, Sendable {
    case skeleton
    case marker
    case recording
    case projection(ProjectionFile)
}

/// A file with the bytes of one object of the source: `skeleton.swc`, `skeleton.marker`, `ephys.nwb`, a projection.
struct ObjectEntry: SpecimenLeaf {
    let id: Int
    let role: ObjectRole

    var node: Node {
        switch role {
        case .skeleton: .specimenFile(id, .skeleton)
        case .marker: .specimenFile(id, .marker)
        case .recording: .specimenFile(id, .recording)
        case .projection(let file): .projection(id, file)
        }
    }

    var place: String {
        switch role {
        case .skeleton: SpecimenFile.skeleton.name
        case .marker: SpecimenFile.marker.name
        case .recording: SpecimenFile.recording.name
        case .projection(let file): "\(ProjectionFolder.name)/\(file.name)"
        }
    }

    func mayExist(_ row: Specimen) -> Bool {
        switch role {
        case .skeleton, .marker: row.hasSkeleton
        case .recording: row.recording != nil
        case .projection: row.hasImages
        }
    }

    private func object(_ context: SpecimenContext) -> SourceObject? {
        switch role {
        case .skeleton: context.objects.skeleton
        case .marker: context.objects.marker
        case .recording: context.objects.recording
        case .projection(let file): context.projection(file)?.object
        }
    }

    func isMade(from objects: ChangedObjects, _ context: SpecimenContext) -> Bool {
        switch role {
        case .skeleton, .marker: objects.hasTracing
        case .recording: objects.hasRecording
        case .projection(let file):
            context.projection(file).map { objects.images.contains($0.projection.imageID) } ?? false
        }
    }

    func known(_ context: SpecimenContext, _ tree: TreeState) -> Knowledge {
        guard let object = object(context) else { return .absent }
        return tree.parts.files.cachedVersion(of: object).map { .known(facts(of: $0, tree)) } ?? .unknown
    }

    func ask(_ context: SpecimenContext, _ tree: TreeState, token: CancellationToken) -> Answer<Facts> {
        version(context, tree, token: token).map { facts(of: $0, tree) }
    }

    func open(_ context: SpecimenContext, _ tree: TreeState, token: CancellationToken) -> Answer<any OpenFile> {
        version(context, tree, token: token).map { version in
            let parts = tree.parts
            let file = RemoteOpenFile(version, files: parts.files, window: parts.readAheadWindow)
            return VersionedFile(file, of: [version.object], registry: parts.registry)
        }
    }

    func original(_ tree: TreeState, token: CancellationToken) -> Answer<Original?> {
        withContext(tree, token: token) { context in
            object(context).map { Original(url: tree.parts.files.address(of: $0), object: $0.id) }
        }
    }

    private func version(
        _ context: SpecimenContext, _ tree: TreeState, token: CancellationToken
    ) -> Answer<FileReader.Version> {
        guard let object = object(context) else { return Promise(.failure(.notFound)) }
        return tree.parts.files.version(of: object, token: token).mapError { .data($0) }
    }

    private func facts(of version: FileReader.Version, _ tree: TreeState) -> Facts {
        .file(size: version.length, modified: version.modified ?? tree.index.snapshot.fetchedAt)
    }
}
