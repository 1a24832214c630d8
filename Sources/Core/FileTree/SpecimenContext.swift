internal import Morphology
internal import SpecimenData
internal import Specimens
internal import Support
internal import VirtualTIFF

/// What the tree needs to know of one specimen before it can tell names and sizes: its row, its planes, its files.
struct SpecimenContext: Sendable {
    let specimen: Specimen
    let objects: SpecimenObjects
    /// The skeleton's length, validator and date; nil when there is no skeleton or the origin would not tell.
    let skeletonModified: Double?
    /// Indices of the planes without an image in volumes: those that are missing, and those of another place or size than
    /// the stack's, which are planes of their own.
    let gaps: Set<Int>

    init(specimen: Specimen, objects: SpecimenObjects, skeletonModified: Double?) {
        self.specimen = specimen
        self.objects = objects
        self.skeletonModified = skeletonModified
        gaps = Self.gaps(objects.stack)
    }

    var id: Int { specimen.id }
    var stack: ImageStack? { objects.stack }

    /// Voxel spacing of the database's stacks, um: 0.1144 in x and y ([D] CellTypes_Morph_Overview: 63x objective), where
    /// the rows do not say otherwise, and 0.28 in z.
    static let planeDistance = 0.28
    static let pixelDistance = 0.1144

    /// Spacing in x and y, um, as the rows of the stack say.
    var resolution: Double { stack?.resolution ?? Self.pixelDistance }

    /// Indices of the planes that are there, ascending.
    var planeIndices: [Int] { stack.map { stack in stack.planes.map(stack.index) } ?? [] }

    /// Label planes exist where there is both a skeleton and a frame to draw it in.
    var hasLabels: Bool { specimen.hasSkeleton && stack != nil }

    /// The voxel grid of the stack: of the frame that most planes have.
    var stackGrid: VoxelGrid? {
        stack.map { stack in
            VoxelGrid(
                width: stack.width, height: stack.height, depth: stack.depth, spacingX: stack.resolution,
                spacingY: stack.resolution, spacingZ: Self.planeDistance, originX: Double(stack.x),
                originY: Double(stack.y), originZ: 0)
        }
    }

    /// The voxel grid of `image`: its pixel (0, 0) lies at (x, y) of the full frame, plane 0 at z = 0.
    func grid(of image: PlaneImage) -> VoxelGrid {
        VoxelGrid(
            width: image.width, height: image.height, depth: stack?.depth ?? 0, spacingX: image.resolution,
            spacingY: image.resolution, spacingZ: Self.planeDistance, originX: Double(image.x),
            originY: Double(image.y), originZ: 0)
    }

    /// The image of a plane in volumes; nil for a gap.
    func volumePlane(at index: Int) -> PlaneImage? { gaps.contains(index) ? nil : stack?.plane(at: index) }

    private static func gaps(_ stack: ImageStack?) -> Set<Int> {
        guard let stack else { return [] }
        return Set(
            (0..<stack.depth).filter { index in
                guard let image = stack.plane(at: index) else { return true }
                return (image.x, image.y, image.width, image.height)
                    != (stack.x, stack.y, stack.width, stack.height)
            })
    }

    var spacing: PixelSpacing { PixelSpacing(x: resolution, y: resolution, z: Self.planeDistance) }

    /// The projection that a file of `projections/` shows; nil where the source has none.
    func projection(_ file: ProjectionFile) -> SpecimenObjects.ProjectionObject? {
        objects.projections.first { $0.projection.fileName == file.name }
    }

    /// What labels are made from, in `grid`.
    func subject(in grid: VoxelGrid?) -> SkeletonService.Subject? {
        guard let skeleton = objects.skeleton, let grid else { return nil }
        return SkeletonService.Subject(
            specimen: id, skeleton: skeleton, marker: objects.marker, grid: grid)
    }
}
