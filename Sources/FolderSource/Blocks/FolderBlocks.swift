internal import Logging
internal import Specimens
internal import Support

/// Gets the bytes of the files of a folder, and the pixels of its images.
///
/// The version of a file is checked before and after each read, so that no block mixes two.
final class FolderBlocks: BlockSource {
    private let root: FolderRoot
    private let list: FolderList
    private let reads: FolderReads
    private let shelf: TIFFShelf
    private let faults: OnceLog
    private let workers: WorkerPool
    private let timeout: Double
    private let requests = Counter()

    let codec: any BlockCodec = FolderCodec()

    /// The most bytes of an image that the tile of a level may be made of.
    static let largestSource = 64 << 20

    /// The most halvings at which no tile of a stack needs more than ``largestSource`` bytes of full resolution. Further
    /// ones would be smaller than a pixel.
    static func largestLevel(of stack: ImageStack) -> Int {
        // The side of tiles that readers ask for: TileGrid of Volumes.
        let side = 512
        return (0...16).last { level in
            min(side << level, stack.width) * min(side << level, stack.height) * (stack.bits / 8) <= largestSource
        } ?? 0
    }

    init(
        root: FolderRoot, list: FolderList, reads: FolderReads, shelf: TIFFShelf, faults: OnceLog,
        workers: WorkerPool, timeout: Double
    ) {
        self.root = root
        self.list = list
        self.reads = reads
        self.shelf = shelf
        self.faults = faults
        self.workers = workers
        self.timeout = timeout
    }

    func isLocal(_ object: ObjectID) -> Bool { true }
    func outage(for object: ObjectID) -> Outage? { list.outage }
    var unreachable: [String] { list.outage == nil ? [] : [root.path] }
    var requestCount: Int { requests.value }
    func attach(_ taker: any BlockTaker) { list.attach(taker) }
    // A file needs nothing between its reads.
    func opened(_ object: ObjectID, length: Int, version: String) {}
    func closed(_ object: ObjectID, length: Int, version: String) {}
    func shutDown() { reads.shutDown() }

    func address(of object: SourceObject) -> String {
        list.pair(object.id.specimen)?.place(of: object.id).map { "\(root.path)/\($0.file.path)" } ?? root.path
    }

    func address(of request: BlockRequest) -> String { address(of: request.object) }

    func stat(_ object: SourceObject, counts: Bool, token: CancellationToken) -> Promise<ObjectRecord, SourceError> {
        let (answer, exchange) = reads.run(
            token.lane, by: .now.advanced(bySeconds: timeout), requestID: token.requestID
        ) { [self] _ in
            inFile(of: object.id) { folder, place throws(FolderFault) in
                Promise(.success(ObjectRecord(object.id, try folder.version(of: place.file.path))))
            }
        }
        token.onCancel { exchange.cancel() }
        return answer.resolved(on: workers, ended: .shutDown)
    }

    func start(
        _ request: BlockRequest, completion: @escaping @Sendable (Result<SourceBlock, SourceError>) -> Void
    ) -> any BlockExchange {
        requests.add()
        let deadline = request.deadline ?? .now.advanced(bySeconds: timeout)
        let (answer, exchange) = reads.run(request.lane, by: deadline, requestID: request.requestID) {
            [self] token in
            let start = Instant.now
            return inFile(of: request.object.id) { folder, place throws(FolderFault) in
                switch request.part {
                case .extent(let index, let length):
                    try extent(
                        ObjectExtents.bytes(of: index, length: length), of: length, place.file.path, in: folder,
                        request, token: token)
                case .tile(let tile): try self.tile(tile, place, in: folder, request, token: token)
                case .picture: throw .refused("a folder has no pictures")
                }
            }.map { bytes, version in
                SourceBlock(bytes: bytes, version: version.text, seconds: Instant.now.seconds(since: start))
            }
        }
        answer.whenDone(completion)
        return exchange
    }

    /// What `body` gives of the file that an object is in; a fault becomes an error of the source, with a line in the log
    /// where it lasts.
    private func inFile<Value: Sendable>(
        of object: ObjectID,
        _ body: (FolderDirectory, (file: FoundFile, page: Int)) throws(FolderFault) -> Promise<Value, FolderFault>
    ) -> Promise<Value, SourceError> {
        guard let place = list.pair(object.specimen)?.place(of: object) else {
            return Promise(.failure(SourceError(.failed, "\(root.path): the file of object \(object) is gone")))
        }
        let path = place.file.path
        do throws(FolderFault) {
            return try body(try root.open(), place).mapError { [self] in error($0, place.file) }
        } catch {
            return Promise(.failure(self.error(error, FoundFile(path: path, version: place.file.version))))
        }
    }

    private func error(_ fault: FolderFault, _ file: FoundFile) -> SourceError {
        if case .unreachable(let reason) = fault { list.noteOutage(reason) }
        if fault.isLasting {
            faults.warn(
                "a file cannot be read", path: "\(root.path)/\(file.path)", version: file.version,
                reason: fault.description)
        }
        return fault.error(file.path, in: root.path, isLogged: fault.isLasting)
    }

    /// The bytes `range` of a file of `length` bytes.
    private func extent(
        _ range: Range<Int>, of length: Int, _ path: String, in folder: FolderDirectory, _ request: BlockRequest,
        token: CancellationToken
    ) throws(FolderFault) -> Promise<([UInt8], FileVersion), FolderFault> {
        let file = try folder.file(path)
        guard request.accepts(file.version) else { throw .changed(file.version) }
        guard file.length == length else { throw .tooShort }
        let bytes: [UInt8]
        do throws(FolderFault) {
            bytes = try file.bytes(range, token: token)
        } catch {
            try file.checkVersion()
            throw error
        }
        try file.checkVersion()
        return Promise(.success((bytes, file.version)))
    }

    /// The pixels of a tile at its level.
    private func tile(
        _ tile: BlockPart.Tile, _ place: (file: FoundFile, page: Int), in folder: FolderDirectory,
        _ request: BlockRequest, token: CancellationToken
    ) throws(FolderFault) -> Promise<([UInt8], FileVersion), FolderFault> {
        let open = try shelf.file(place.file.path, in: folder, token: token)
        let version = open.file.version
        guard request.accepts(version) else { throw .changed(version) }
        // The reader has the plane that an earlier version had.
        guard let page = open.tiff.pages.dropFirst(place.page).first, let plane = request.object.frame,
            (page.width, page.height, page.bitsPerSample) == (plane.width, plane.height, tile.bits)
        else { throw .changed(version) }
        let bits = page.bitsPerSample
        let frame = HalvedPixels.source(
            of: tile.frame, halvings: tile.level, width: page.width, height: page.height)
        guard frame.width * frame.height * (bits / 8) <= Self.largestSource else {
            throw .refused("a tile of level \(tile.level) needs more than \(Self.largestSource) bytes of the image")
        }
        return open.tiff.read(page: place.page, frame: frame, token: token).mapError { FolderFault($0) }.flatMap {
            bytes in
            var pixels = HalvedPixels(bytes, width: frame.width, height: frame.height, bits: bits)
            for _ in 0..<tile.level { pixels.halve() }
            return Promise(.success((pixels.bytes, version)))
        }.checked { [shelf] () throws(FolderFault) in
            do throws(FolderFault) {
                try open.file.checkVersion()
            } catch {
                shelf.close(place.file.path)
                throw error
            }
        }
    }
}

extension BlockRequest {
    /// Whether the reader takes this version.
    fileprivate func accepts(_ version: FileVersion) -> Bool { expected.map { $0 == version.text } ?? true }
}

extension Promise where Failure == FolderFault {
    /// The same, unless `check` throws: then its fault, which is the cause of any other.
    fileprivate func checked(_ check: @escaping @Sendable () throws(FolderFault) -> Void) -> Promise {
        let verify: @Sendable () -> FolderFault? = {
            do throws(FolderFault) {
                try check()
                return nil
            } catch {
                return error
            }
        }
        return flatMap { value in Promise(verify().map { .failure($0) } ?? .success(value)) }
            .flatMapError { fault in Promise(.failure(verify() ?? fault)) }
    }
}
