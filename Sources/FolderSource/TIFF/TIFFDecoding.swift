package import Logging
import Specimens
package import Support

/// What all TIFF files of a source share: the threads that decode, and the memory for what they have decoded.
package final class TIFFDecoding: Sendable {
    /// Names a patch: a file that is open, the page, and the patch's first pixel.
    struct PatchKey: Hashable, Sendable {
        let file, page, x, y: Int
    }

    /// Names a page of a file that is open.
    struct PageKey: Hashable, Sendable {
        let file, page: Int
    }

    /// The most bytes of positions of strips and tiles in memory.
    private static let mostTableBytes = 16 << 20

    private let pool: WorkerPool
    private let patches: MemoryCache<PatchKey, [UInt8]>
    private let tables = MemoryCache<PageKey, TIFFSegmentTable>(limit: mostTableBytes)
    private let flights: FlightTable<PatchKey, [UInt8], TIFFError>
    private let lastFile = Monitor(0)

    /// - Parameters:
    ///   - pool: decodes. It ends after the last read.
    ///   - memory: the most bytes of decoded pixels to keep, so that the next tile of a large strip need not decode it again.
    ///     The last patch is kept whatever it costs.
    ///   - logger: hears, at the level debug, which read shares the work of another.
    package init(pool: WorkerPool, memory: Int = 64 << 20, logger: Logger) {
        self.pool = pool
        patches = MemoryCache(limit: memory)
        flights = FlightTable(cancelled: .source(.cancelled), logger: logger)
    }

    /// A number for a file that is opened, which no other has.
    func nextFile() -> Int {
        lastFile.withLock {
            $0 += 1
            return $0
        }
    }

    /// Removes all that memory has of a file that is closed.
    func forget(file: Int) {
        patches.removeAll { $0.file == file }
        tables.removeAll { $0.file == file }
    }

    /// Bytes of pixels and positions in memory.
    package var keptBytes: Int { patches.usage.cost + tables.usage.cost }

    /// The pixels of a patch from memory, from another read that decodes it, or from the file.
    func pixels(
        of patch: TIFFPatch, _ page: TIFFPage, _ pageKey: PageKey, _ source: any ByteSource, token: CancellationToken
    ) -> Promise<[UInt8], TIFFError> {
        let key = PatchKey(file: pageKey.file, page: pageKey.page, x: patch.frame.x, y: patch.frame.y)
        if let pixels = patches[key] { return Promise(.success(pixels)) }
        return flights.join(key, token: token) { token in
            self.table(of: page, pageKey, source, token: token)
                .flatMap { table in self.read(patch, page, table, source, token: token) }
                .flatMap { job in self.decode(job, token: token) }
                .map { pixels in
                    self.patches.insert(pixels, for: key, cost: pixels.count)
                    return pixels
                }
        }
    }

    private func table(
        of page: TIFFPage, _ key: PageKey, _ source: any ByteSource, token: CancellationToken
    ) -> Promise<TIFFSegmentTable, TIFFError> {
        if let table = tables[key] { return Promise(.success(table)) }
        return TIFFSegmentTable.read(page, of: source, token: token).map { table in
            self.tables.insert(table, for: key, cost: table.cost)
            return table
        }
    }

    private func read(
        _ patch: TIFFPatch, _ page: TIFFPage, _ table: TIFFSegmentTable, _ source: any ByteSource,
        token: CancellationToken
    ) -> Promise<TIFFPatchJob, TIFFError> {
        do throws(TIFFFault) {
            let reads = try table.reads(of: patch, page)
            return Promise.all(reads.map { source.bytes($0.range, token: token) }).map { bytes in
                TIFFPatchJob(patch: patch, page: page, jpegTables: table.jpegTables, reads: reads, bytes: bytes)
            }
        } catch {
            return Promise(.failure(.fault(error)))
        }
    }

    /// Decodes on the pool: it is a millisecond of work, and the thread at hand is that of the byte source.
    private func decode(_ job: TIFFPatchJob, token: CancellationToken) -> Promise<[UInt8], TIFFError> {
        let (promise, resolver) = Promise<[UInt8], TIFFError>.pending()
        let isQueued = pool.submit(token.lane) {
            guard !token.isCancelled else {
                resolver.resolve(.failure(.source(.cancelled)))
                return
            }
            do throws(TIFFFault) {
                resolver.resolve(.success(try job.decode()))
            } catch {
                resolver.resolve(.failure(.fault(error)))
            }
        }
        if !isQueued { resolver.resolve(.failure(.source(.shutDown))) }
        return promise
    }
}
