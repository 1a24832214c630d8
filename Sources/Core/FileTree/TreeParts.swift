package import Logging
package import Morphology
package import SpecimenData

/// The services and settings a ``Tree`` stands on.
package struct TreeParts: Sendable {
    /// Tells this source from all others; the same on every machine. Hashed inode numbers are made from it.
    package var identity: String
    /// The list of cells.
    package var catalogue: CatalogueService
    /// Planes and files of a specimen.
    package var details: DetailsService
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
    /// Makes the documents of `.neuronfs/`.
    package var controlDocument: @Sendable (ControlFile) -> String
    /// How many bytes of the object with this name the cache holds: the xattr `user.neuronfs.cached`.
    package var cachedBytes: @Sendable (_ objectID: String) -> Int
    /// Where problems are told.
    package var logger: Logger

    /// Collects the parts.
    package init(
        identity: String, catalogue: CatalogueService, details: DetailsService, registry: ObjectRegistry,
        files: FileReader, planes: PlaneReader, skeletons: SkeletonService, mainVariant: LabelVariant,
        readAheadWindow: Int, controlDocument: @escaping @Sendable (ControlFile) -> String,
        cachedBytes: @escaping @Sendable (String) -> Int, logger: Logger
    ) {
        self.identity = identity
        self.catalogue = catalogue
        self.details = details
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
