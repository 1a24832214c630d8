internal import Support

/// The blocks of several sources, each from the source of its specimen.
struct CombinedBlocks: BlockSource, BlockCodec {
    private let sources: [any BlockSource]
    private let routes: SourceRoutes

    init(_ sources: [any BlockSource], _ routes: SourceRoutes) {
        self.sources = sources
        self.routes = routes
    }

    private func source(of object: ObjectID) -> any BlockSource { sources[routes.source(of: object.specimen)] }

    func isLocal(_ object: ObjectID) -> Bool { source(of: object).isLocal(object) }
    func outage(for object: ObjectID) -> Outage? { source(of: object).outage(for: object) }
    var unreachable: [String] { sources.flatMap(\.unreachable) }

    func start(
        _ request: BlockRequest, completion: @escaping @Sendable (Result<SourceBlock, SourceError>) -> Void
    ) -> any BlockExchange {
        source(of: request.object.id).start(request, completion: completion)
    }

    func stat(_ object: SourceObject, counts: Bool, token: CancellationToken) -> Promise<ObjectRecord, SourceError> {
        source(of: object.id).stat(object, counts: counts, token: token)
    }

    func attach(_ taker: any BlockTaker) {
        for source in sources { source.attach(taker) }
    }

    func opened(_ object: ObjectID, length: Int, version: String) {
        source(of: object).opened(object, length: length, version: version)
    }

    func closed(_ object: ObjectID, length: Int, version: String) {
        source(of: object).closed(object, length: length, version: version)
    }

    var requestCount: Int { sources.reduce(0) { $0 + $1.requestCount } }

    func shutDown() {
        for source in sources { source.shutDown() }
    }

    func address(of object: SourceObject) -> String { source(of: object.id).address(of: object) }
    func address(of request: BlockRequest) -> String { source(of: request.object.id).address(of: request) }

    var codec: any BlockCodec { self }

    func decode(_ bytes: [UInt8], _ part: BlockPart, of object: SourceObject) throws(BlockFault) -> [UInt8]? {
        try source(of: object.id).codec.decode(bytes, part, of: object)
    }
}

/// The records of the objects of several sources.
struct CombinedRecords: ObjectRecords {
    private let keepers: [any ObjectRecords]
    private let routes: SourceRoutes

    init(_ keepers: [any ObjectRecords], _ routes: SourceRoutes) {
        self.keepers = keepers
        self.routes = routes
    }

    func record(of id: ObjectID) -> ObjectRecord? { keepers[routes.source(of: id.specimen)].record(of: id) }

    func keep(_ record: ObjectRecord, after previous: ObjectRecord?) -> ObjectRecord {
        keepers[routes.source(of: record.id.specimen)].keep(record, after: previous)
    }
}
