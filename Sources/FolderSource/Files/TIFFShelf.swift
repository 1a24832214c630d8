internal import Logging
internal import Specimens
internal import Support

/// The TIFF files that were read last, kept open, so that the next tile need not read the directories again.
final class TIFFShelf: Sendable {
    /// A TIFF file that is open.
    struct OpenTIFF {
        let tiff: TIFFFile
        let file: FolderFile
    }

    private struct Entry {
        let open: OpenTIFF
        var lastUse: Instant
    }

    /// Files that are kept open: as many descriptors, and 300 bytes for each of their pages.
    private static let limit = 64
    /// Seconds after which a file is closed that nobody reads, so that its disk can be unmounted.
    private let idleTime: Double

    private let decoding: TIFFDecoding
    private let entries = Monitor<[String: Entry]>([:])

    /// - Parameter workers: decode pixels.
    init(workers: WorkerPool, idleTime: Double = 10, logger: Logger) {
        self.idleTime = idleTime
        decoding = TIFFDecoding(pool: workers, logger: logger)
    }

    /// The file `name` in its present version. On one of the threads of ``FolderReads``.
    func file(
        _ name: String, in folder: FolderDirectory, token: CancellationToken
    ) throws(FolderFault) -> OpenTIFF {
        let version = try folder.version(of: name)
        let kept = entries.withLock { entries -> OpenTIFF? in
            guard entries[name]?.open.file.version == version else { return nil }
            entries[name]?.lastUse = .now
            return entries[name]?.open
        }
        if let kept { return kept }
        let open = try openTIFF(name, in: folder, token: token)
        // Returned, so that it is closed without the lock.
        _ = entries.withLock { entries in
            let oldest = entries.count >= Self.limit ? entries.min { $0.value.lastUse < $1.value.lastUse }?.key : nil
            let removed = [oldest, name].compactMap { $0.flatMap { entries.removeValue(forKey: $0) } }
            entries[name] = Entry(open: open, lastUse: .now)
            return removed
        }
        return open
    }

    /// Opens the file `name`, and keeps nothing. On one of the threads of ``FolderReads``.
    func openTIFF(
        _ name: String, in folder: FolderDirectory, token: CancellationToken
    ) throws(FolderFault) -> OpenTIFF {
        let file = try folder.file(name)
        do throws(TIFFError) {
            // The file is read on this thread, so there is nothing to wait for.
            let tiff = try TIFFFile.open(file, decoding: decoding, token: token).wait().get()
            return OpenTIFF(tiff: tiff, file: file)
        } catch {
            // A file that is just being written looks damaged.
            try file.checkVersion()
            throw FolderFault(error)
        }
    }

    /// Closes a file whose bytes are no longer those that were opened.
    func close(_ name: String) { _ = entries.withLock { $0.removeValue(forKey: name) } }

    /// Closes the files that nobody has read for a while.
    func closeIdle() {
        let now = Instant.now
        _ = entries.withLock { entries in
            let before = entries
            entries = entries.filter { now.seconds(since: $0.value.lastUse) < idleTime }
            return before
        }
    }
}
