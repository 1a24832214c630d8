package import Logging
package import Specimens
package import Support

/// A folder of anyone's own pairs: TIFF images and SWC skeletons.
package final class FolderSource: SpecimenSource {
    /// Threads of a source of its own.
    package static let threadCount = FolderReads.threadCount + 1

    package let identity: String
    private let location: FolderLocation
    private let root: FolderRoot
    private let found: FolderList
    private let details: FolderDetails
    private let shelf: TIFFShelf
    private let workers: WorkerPool
    private let kept: FolderRecords
    private let source: FolderBlocks

    /// Goes over the folder. Blocks until that is done or `timeout` has passed: for the start of a mount, never for a thread
    /// that serves.
    ///
    /// - Parameters:
    ///   - workers: decode pixels, and call those that watch the list. Shut down after the source.
    ///   - timeout: seconds after which a read is given up.
    ///   - pause: seconds between two looks at the folder.
    /// - Throws: why there is no such folder, one sentence.
    package init(
        _ location: FolderLocation, workers: WorkerPool, timeout: Double, pause: Double = 5, logger: Logger
    ) throws(SourceError) {
        self.location = location
        self.workers = workers
        let reads: FolderReads
        do throws(ThreadError) {
            reads = try FolderReads(path: location.path)
        } catch {
            throw SourceError(.failed, "\(error)", cause: error)
        }
        do throws(SourceError) {
            let (root, scan) = try reads.run(.demand, by: .now.advanced(bySeconds: timeout)) { _ in
                Self.first(location)
            }.answer.wait().get()
            self.root = root
            identity = Self.identity(root)
            kept = FolderRecords()
            shelf = TIFFShelf(workers: workers, logger: logger)
            let faults = OnceLog(logger)
            found = FolderList(
                scan, of: root, identity: identity, location: location, reads: reads, records: kept, workers: workers,
                timeout: timeout, pause: pause, logger: logger)
            details = FolderDetails(
                root: root, location: location, list: found, reads: reads, shelf: shelf, faults: faults,
                timeout: timeout, logger: logger)
            source = FolderBlocks(
                root: root, list: found, reads: reads, shelf: shelf, faults: faults, workers: workers, timeout: timeout)
        } catch {
            reads.shutDown()
            throw error
        }
    }

    private static func identity(_ root: FolderRoot) -> String { "\(FolderLocation.prefix)\(root.path)" }

    /// Opens the folder and goes over it for the first time.
    private static func first(_ location: FolderLocation) -> Promise<(FolderRoot, FolderScan), SourceError> {
        do throws(FolderFault) {
            let root = try FolderRoot(location.path)
            let scan = try FolderScan(
                try root.open(), source: identity(root), after: nil, isUsed: { _ in false })
            return Promise(.success((root, scan)))
        } catch {
            return Promise(
                .failure(
                    SourceError(
                        .failed, "the folder \(location.path) cannot be shown: \(error.description)", cause: error)))
        }
    }

    package var list: SpecimenList { found.list }
    package var records: any ObjectRecords { kept }
    package var blocks: any BlockSource { source }
    package var refused: RefusedList? { nil }

    package func onListChange(_ observer: @escaping @Sendable (SpecimenList) -> Void) { found.onChange(observer) }

    package func objects(
        of specimen: Specimen, token: CancellationToken
    ) -> Promise<SpecimenObjects, SourceError> {
        let objects = details.objects(of: specimen.id, token: token)
        return objects.result == nil ? objects.resolved(on: workers, ended: .shutDown) : objects
    }

    package func texts(of list: SpecimenList) -> SourceTexts {
        FolderTexts.texts(location, path: root.path, list)
    }

    package func refresh(acceptsLosses: Bool) -> Promise<SpecimenList, SourceError> {
        found.scan().resolved(on: workers, ended: .shutDown)
    }

    /// Starts to go over the folder when that is due, and closes files that nobody reads. Returns at once.
    package func look() {
        shelf.closeIdle()
        found.look()
    }
}
