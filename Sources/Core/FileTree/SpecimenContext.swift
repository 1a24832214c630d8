internal import Layouts
internal import Morphology
internal import Specimens
internal import Support
internal import Volumes

/// What the tree needs to know of one specimen before it can tell names and sizes: its row, its planes, its files.
struct SpecimenContext: Sendable {
    let specimen: Specimen
    let objects: SpecimenObjects
    /// The skeleton's length, validator and date; nil when there is no skeleton or the source would not tell.
    let skeletonModified: Double?
    /// Indices of the planes without an image in volumes: those that are missing, and those of another place or size than
    /// the stack's, which are planes of their own.
    let gaps: Set<Int>

    init(specimen: Specimen, objects: SpecimenObjects, skeletonModified: Double?) {
        self.specimen = specimen
        self.objects = objects
        self.skeletonModified = skeletonModified
        gaps = Set(objects.stack?.gaps ?? [])
    }

    var id: Int { specimen.id }
    var stack: ImageStack? { objects.stack }

    /// Distance of two voxels, um.
    var spacing: ZYX<Double> { ZYX(z: objects.spacing.z, y: objects.spacing.y, x: objects.spacing.x) }

    /// Indices of the planes that are there, ascending.
    var planeIndices: [Int] { stack.map { stack in stack.planes.map(stack.index) } ?? [] }

    /// Label planes exist where there is both a skeleton and a frame to draw it in.
    var hasLabels: Bool { specimen.hasSkeleton && stack != nil }

    /// The voxel grid of the stack: of the frame that most planes have.
    var stackGrid: VoxelGrid? {
        stack.map { stack in
            VoxelGrid(
                width: stack.width, height: stack.height, depth: stack.depth, spacingX: spacing.x,
                spacingY: spacing.y, spacingZ: spacing.z, originX: Double(stack.x),
                originY: Double(stack.y), originZ: 0)
        }
    }

    /// The voxel grid of `image`: its pixel (0, 0) lies at (x, y) of the full frame, plane 0 at z = 0.
    func grid(of image: PlaneImage) -> VoxelGrid {
        VoxelGrid(
            width: image.width, height: image.height, depth: stack?.depth ?? 0, spacingX: image.xSpacing,
            spacingY: image.ySpacing, spacingZ: spacing.z, originX: Double(image.x),
            originY: Double(image.y), originZ: 0)
    }

    /// The image of a plane in volumes; nil for a gap.
    func volumePlane(at index: Int) -> PlaneImage? { stack?.framedPlane(at: index) }

    /// The projection that a file of `projections/` shows; nil where the source has none.
    func projection(_ file: ProjectionFile) -> SpecimenObjects.ProjectionObject? {
        objects.projections.first { $0.projection.fileName == file.name }
    }

    /// What labels are made from, in `grid`.
    func subject(in grid: VoxelGrid?) -> SkeletonService.Subject? {
        guard let skeleton = objects.skeleton, let grid else { return nil }
        return SkeletonService.Subject(
            specimen: id, skeleton: skeleton, units: skeletonUnits, marker: objects.marker, grid: grid)
    }

    /// The units of the skeleton; nil where the file is to say it.
    var skeletonUnits: LengthUnit? {
        switch objects.skeletonUnits {
        case .um: .um
        case .nm: .nm
        case .px: .px
        case nil: nil
        }
    }
}
