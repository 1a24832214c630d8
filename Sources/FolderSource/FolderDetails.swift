internal import Logging
internal import Specimens
internal import Support

/// What the files of a specimen are, read on first need and kept while they stay the same.
final class FolderDetails: Sendable {
    private struct Key: Hashable {
        let id: Int
        let version: VersionHash
    }

    private let root: FolderRoot
    private let location: FolderLocation
    private let list: FolderList
    private let reads: FolderReads
    private let stacks: StackReader
    private let faults: OnceLog
    private let timeout: Double
    private let recent = MemoryCache<Int, (key: Key, objects: SpecimenObjects)>(limit: 128)
    private let flights: FlightTable<Key, SpecimenObjects, SourceError>

    init(
        root: FolderRoot, location: FolderLocation, list: FolderList, reads: FolderReads, shelf: TIFFShelf,
        faults: OnceLog, timeout: Double, logger: Logger
    ) {
        self.root = root
        self.location = location
        self.list = list
        self.reads = reads
        stacks = StackReader(shelf: shelf, faults: faults, folder: root.path, spacing: location.spacing)
        self.faults = faults
        self.timeout = timeout
        flights = FlightTable(cancelled: .cancelled, logger: logger)
    }

    /// The objects of a specimen: from memory at once, else on any thread.
    func objects(of specimen: Int, token: CancellationToken) -> Promise<SpecimenObjects, SourceError> {
        guard let pair = list.pair(specimen) else {
            return Promise(.failure(SourceError(.failed, "the folder \(root.path) has no cell \(specimen) any more")))
        }
        let key = Key(id: specimen, version: pair.version)
        if let known = recent[specimen], known.key == key { return Promise(.success(known.objects)) }
        list.noteUse(of: specimen)
        return flights.join(key, token: token) { token in
            let (answer, exchange) = reads.run(
                token.lane, by: .now.advanced(bySeconds: timeout), requestID: token.requestID
            ) { [self] token in
                do throws(FolderFault) {
                    let objects = try read(pair, token: token)
                    recent.insert((key, objects), for: specimen, cost: 1)
                    return Promise(.success(objects))
                } catch {
                    if case .unreachable(let reason) = error { list.noteOutage(reason) }
                    return Promise(.failure(error.error(pair.name, in: root.path)))
                }
            }
            token.onCancel { exchange.cancel() }
            return answer
        }
    }

    /// Reads the files of `pair`. On one of the threads of ``FolderReads``.
    private func read(_ pair: FolderPair, token: CancellationToken) throws(FolderFault) -> SpecimenObjects {
        let meta = pair.usableMeta
        var stack: StackReader.Stack?
        if pair.imagesPath != nil {
            do throws(FolderFault) {
                stack = try stacks.stack(of: pair, in: try root.open(), token: token)
            } catch {
                guard error.isLasting else { throw error }
                warn(pair, error.description)
            }
        }
        return SpecimenObjects(
            stack: stack?.images, spacing: meta.spacing ?? location.spacing ?? VoxelSpacing(xy: 1, z: 1),
            imageOrigin: stack?.origin ?? .file,
            largestLevel: stack.map { FolderBlocks.largestLevel(of: $0.images) },
            skeleton: pair.skeletonID.map { SourceObject(id: $0) }, skeletonUnits: meta.units,
            marker: pair.markerID.map { SourceObject(id: $0) },
            provenance: provenance(pair, spacingFrom: stack?.spacingSource))
    }

    private func warn(_ pair: FolderPair, _ reason: String) {
        faults.warn(
            "the images of a cell cannot be shown", path: "\(root.path)/\(pair.imagesPath ?? pair.name)",
            version: pair.imagesVersion, reason: reason)
        list.noteUnusable(pair)
    }

    private func provenance(_ pair: FolderPair, spacingFrom source: String?) -> JSONObject {
        var provenance: JSONObject = ["source": "a folder of this machine", "folder": .string(root.path)]
        provenance["images"] = pair.imagesPath.map { .string($0) }
        provenance["skeleton"] = pair.skeleton.map { .string($0.path) }
        provenance["marker"] = pair.marker.map { .string($0.path) }
        provenance["meta"] = pair.meta.map { .string($0.file.path) }
        provenance["voxel_spacing_from"] = source.map { .string($0) }
        return provenance
    }
}

extension FolderPair {
    /// The version of the images, or of the first of them.
    fileprivate var imagesVersion: FileVersion? {
        switch images {
        case .volume(let file): file.version
        case .planes(let planes): planes.files.first?.file.version
        case nil: nil
        }
    }
}
