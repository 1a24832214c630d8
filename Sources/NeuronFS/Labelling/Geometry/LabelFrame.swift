import Glibc
import Morphology

/// Where the size of a voxel comes from.
enum SpacingSource: Equatable {
    /// `--spacing`.
    case option
    /// The image at this path.
    case image(String)
    /// Nobody said: that of the Allen Cell Types stacks.
    case assumed

    /// For the report.
    var text: String {
        switch self {
        case .option: "--spacing"
        case .image(let path): "the image \(LabelOutput.lastComponent(path))"
        case .assumed: "assumed: the Allen Cell Types stacks"
        }
    }
}

/// The image that labels are made for, at full resolution: from options, from an image to be like, or from both.
struct LabelFrame {
    let grid: VoxelGrid
    let spacingSource: SpacingSource

    /// Two spacings are the same up to this part of them: images store resolutions as fractions of 32-bit numbers.
    private static let spacingTolerance = 1e-4

    /// - Throws: `Failure` 2 when neither says the shape, when an option and the image contradict each other, and for an
    ///   image that cannot be read or does not state what no option says.
    init(
        shape: VoxelShape?, spacing: AxisNumbers?, origin: AxisNumbers?, like path: String?
    ) throws(Failure) {
        let image = try path.map { path throws(Failure) in try ImageGeometry(path) }
        guard let voxels = try Self.shape(shape, image, path) else {
            throw Failure(
                sentence: "the shape of the image is not known: give --shape, or the image with --like", code: 2)
        }
        let stated = image?.spacing ?? SIMD3(repeating: 0)
        let size: SIMD3<Double>
        if let spacing {
            let given = SIMD3(spacing.x, spacing.y, spacing.z)
            for axis in 0..<3 where stated[axis] > 0 {
                guard abs(stated[axis] - given[axis]) <= Self.spacingTolerance * given[axis] else {
                    throw Failure(
                        sentence: "--spacing \(Self.text(given)) contradicts \(path ?? ""), which states "
                            + "\(Self.text(stated)) um: leave one out", code: 2)
                }
            }
            size = given
            spacingSource = .option
        } else if let path {
            guard stated.min() > 0 else {
                let missing = stated.max() > 0 ? "only the spacing in x and y" : "no spacing"
                throw Failure(sentence: "\(path) states \(missing): give --spacing x,y,z in um", code: 2)
            }
            size = stated
            spacingSource = .image(path)
        } else {
            size = SIMD3(
                VoxelGrid.allenLateralSpacing, VoxelGrid.allenLateralSpacing, VoxelGrid.allenAxialSpacing)
            spacingSource = .assumed
        }
        let start = try Self.origin(origin, image, size, path)
        grid = VoxelGrid(
            width: voxels.x, height: voxels.y, depth: voxels.z, spacingX: size.x, spacingY: size.y, spacingZ: size.z,
            originX: start.x, originY: start.y, originZ: start.z)
    }

    private static func shape(
        _ given: VoxelShape?, _ image: ImageGeometry?, _ path: String?
    ) throws(Failure) -> SIMD3<Int>? {
        guard let image else { return given.map { shape in SIMD3(shape.x, shape.y, shape.z) } }
        guard let given, SIMD3(given.x, given.y, given.z) != image.shape else { return image.shape }
        throw Failure(
            sentence: "--shape \(given.x),\(given.y),\(given.z) contradicts \(path ?? ""), which has "
                + "\(image.shape.x),\(image.shape.y),\(image.shape.z) voxels: leave one out", code: 2)
    }

    /// In voxels.
    private static func origin(
        _ given: AxisNumbers?, _ image: ImageGeometry?, _ spacing: SIMD3<Double>, _ path: String?
    ) throws(Failure) -> SIMD3<Double> {
        let given = given.map { origin in SIMD3(origin.x, origin.y, origin.z) }
        guard let translation = image?.translation else { return given ?? SIMD3() }
        let stated = translation / spacing
        guard let given else { return stated }
        for axis in 0..<3 where abs(given[axis] - stated[axis]) > 1e-3 {
            throw Failure(
                sentence:
                    "--origin \(text(given)) contradicts \(path ?? ""), which begins at voxel \(text(stated)): leave "
                    + "one out", code: 2)
        }
        return given
    }

    private static func text(_ values: SIMD3<Double>) -> String { "\(values.x),\(values.y),\(values.z)" }
}

/// What an image file says of its geometry.
struct ImageGeometry {
    /// Columns, rows, planes.
    var shape: SIMD3<Int>
    /// um of a column, a row and a plane; 0 where the file does not say.
    var spacing: SIMD3<Double>
    /// The centre of voxel (0, 0, 0), um, where the file says.
    var translation: SIMD3<Double>?

    /// Reads a TIFF file, or a directory that is a Zarr array or an OME-Zarr image.
    /// - Throws: `Failure` 2 for anything else, and for numbers that cannot be those of an image.
    init(_ path: String) throws(Failure) {
        var status = stat()
        guard unsafe stat(path, &status) == 0 else {
            throw Failure(sentence: "cannot read \(path): \(unsafe String(cString: strerror(errno)))", code: 2)
        }
        self = status.st_mode & S_IFMT == S_IFDIR ? try ZarrGeometry.read(path) : try TIFFGeometry.read(path)
        for axis in 0..<3 {
            guard (1...Int(Int32.max)).contains(shape[axis]), spacing[axis].isFinite, spacing[axis] >= 0 else {
                throw Failure(sentence: "\(path) states a shape or a spacing that no image has", code: 2)
            }
        }
    }

    init(shape: SIMD3<Int>, spacing: SIMD3<Double>, translation: SIMD3<Double>? = nil) {
        (self.shape, self.spacing, self.translation) = (shape, spacing, translation)
    }
}
