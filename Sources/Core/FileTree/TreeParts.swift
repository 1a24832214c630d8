package import Fetch
package import Logging
package import Morphology
package import Specimens
package import Volumes

/// The services and settings a ``Tree`` stands on.
package struct TreeParts: Sendable {
    /// Where the specimens come from. Hashed inode numbers are made from its identity.
    package var source: any SpecimenSource
    /// Lengths and validators.
    package var registry: ObjectRegistry
    /// Files by extents.
    package var files: FileReader
    /// Image planes.
    package var planes: PlaneReader
    /// Labels.
    package var skeletons: SkeletonService
    /// What `labels/` holds.
    package var mainVariant: LabelVariant
    /// Tile rows or extents that a sequential reader may be ahead.
    package var readAheadWindow: Int
    /// Takes down what a document of `.neuronfs/` tells; that gives its text, always the same.
    package var controlDocument: @Sendable (ControlFile) -> @Sendable () -> String
    /// How many bytes of an object the store holds: the xattr `user.neuronfs.cached`.
    package var cachedBytes: @Sendable (ObjectID) -> Int
    /// Where problems are told.
    package var logger: Logger

    /// Collects the parts.
    package init(
        source: any SpecimenSource, registry: ObjectRegistry, files: FileReader, planes: PlaneReader,
        skeletons: SkeletonService, mainVariant: LabelVariant,
        readAheadWindow: Int, controlDocument: @escaping @Sendable (ControlFile) -> @Sendable () -> String,
        cachedBytes: @escaping @Sendable (ObjectID) -> Int, logger: Logger
    ) {
        self.source = source
        self.registry = registry
        self.files = files
        self.planes = planes
        self.skeletons = skeletons
        self.mainVariant = mainVariant
        self.readAheadWindow = readAheadWindow
        self.controlDocument = controlDocument
        self.cachedBytes = cachedBytes
        self.logger = logger
    }
}
