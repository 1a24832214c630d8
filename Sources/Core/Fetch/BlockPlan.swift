public import Transport

/// All it takes to get one block: what it is, how to ask for it, and how to know that it is right.
public struct BlockPlan: Sendable {
    /// Names the object and begins with the specimen id; see ObjectIdentity in BlockStore.
    public var id: String
    /// The version the caller believes in: an ETag, else a Last-Modified, else "" for an upstream that sends neither.
    /// Nil while it is not known, and then the cache cannot be asked.
    public var validator: String?
    /// Whether the reply's own validator is compared with the expected one and names the block. False for a service that
    /// stamps each reply with the time of day: then ``validator`` (or "") names it.
    public var comparesValidator = true
    /// Bytes of the whole object; nil where unknown.
    public var length: Int?
    /// The number of the tile or extent.
    public var index: Int
    /// The request. Its lane is set by the fetcher.
    public var request: HTTPRequest
    /// Looks at the bytes on a worker: nil when they are good, else what is wrong with them.
    public var verify: @Sendable ([UInt8]) -> String?
    /// Told, on a worker, the version of a good block where ``validator`` was nil. Called before the block is stored or
    /// given to anyone, so that no block comes to lie in the cache under a name that a later process cannot know.
    public var learn: @Sendable (String) -> Void
    /// Asked, on a worker, where ``validator`` was nil: the version as it is known by now. Another reader's reply may have
    /// told it since the plan was made, and the block may have come and gone into the cache with that.
    public var recall: @Sendable () -> String?

    /// A plan from its parts.
    public init(
        id: String, validator: String?, length: Int?, index: Int, request: HTTPRequest,
        verify: @escaping @Sendable ([UInt8]) -> String? = { _ in nil },
        learn: @escaping @Sendable (String) -> Void = { _ in }, recall: @escaping @Sendable () -> String? = { nil }
    ) {
        self.id = id
        self.validator = validator
        self.length = length
        self.index = index
        self.request = request
        self.verify = verify
        self.learn = learn
        self.recall = recall
    }
}

extension BlockPlan {
    /// Whether a reply of the version `told` is what the caller believes in.
    func accepts(_ told: String) -> Bool { !comparesValidator || validator == nil || validator == told }
}

/// A block as a reader gets it.
public struct FetchedBlock: Sendable {
    /// The verified bytes.
    public var bytes: [UInt8]
    /// The version they belong to.
    public var validator: String
    /// Whether they came from the cache on disk.
    public var fromCache: Bool

    /// A block from its parts.
    public init(bytes: [UInt8], validator: String, fromCache: Bool) {
        self.bytes = bytes
        self.validator = validator
        self.fromCache = fromCache
    }
}

extension ResponseHead {
    /// What names the version of the object: the ETag, else the Last-Modified, else empty.
    public var validator: String { etag ?? lastModified ?? "" }
}
