package import Morphology

/// Where the size of a voxel comes from.
package enum SpacingSource: Equatable, Sendable {
    /// `--spacing`.
    case option
    /// The image at this path.
    case image(String)
    /// Neither option nor image states it: that of the Allen Cell Types stacks.
    case assumed

    /// The value of member `spacing_from` of the report.
    var text: String {
        switch self {
        case .option: "--spacing"
        case .image(let path): "the image \(LabelOutput.lastComponent(path))"
        case .assumed: "assumed: the Allen Cell Types stacks"
        }
    }
}

/// The grid of the image that labels are made for, at full resolution. It comes from options of `neuronfs label`, from an
/// image, or from both. Errors name the options.
package struct LabelFrame: Sendable {
    package let grid: VoxelGrid
    package let spacingSource: SpacingSource

    /// Two spacings are the same up to this part of them: images store resolutions as fractions of 32-bit numbers.
    private static let spacingTolerance = 1e-4

    /// - Parameters:
    ///   - shape: columns, rows and planes (`--shape`).
    ///   - spacing: um of a column, a row and a plane (`--spacing`).
    ///   - origin: the position of voxel (0, 0, 0) in the skeleton's frame, in voxels along x, y and z (`--origin`).
    ///   - path: an image (`--like`), a TIFF file or a Zarr directory.
    /// - Throws: a request error when neither states the shape, when an option contradicts the image, and for an image that
    ///   cannot be read or lacks a number that no option states.
    package init(
        shape: SIMD3<Int>?, spacing: SIMD3<Double>?, origin: SIMD3<Double>?, like path: String?
    ) throws(LabelWritingError) {
        let image = try path.map { path throws(LabelWritingError) in try ImageGeometry(path) }
        guard let voxels = try Self.shape(shape, image, path) else {
            throw .request("the shape of the image is not known: give --shape, or the image with --like")
        }
        let stated = image?.spacing ?? SIMD3(repeating: 0)
        let size: SIMD3<Double>
        if let spacing {
            for axis in 0..<3 where stated[axis] > 0 {
                guard abs(stated[axis] - spacing[axis]) <= Self.spacingTolerance * spacing[axis] else {
                    throw .request(
                        "--spacing \(Self.text(spacing)) contradicts \(path ?? ""), which states "
                            + "\(Self.text(stated)) um: leave one out")
                }
            }
            size = spacing
            spacingSource = .option
        } else if let path {
            guard stated.min() > 0 else {
                let missing = stated.max() > 0 ? "only the spacing in x and y" : "no spacing"
                throw .request("\(path) states \(missing): give --spacing x,y,z in um")
            }
            size = stated
            spacingSource = .image(path)
        } else {
            size = SIMD3(
                VoxelGrid.assumedLateralSpacing, VoxelGrid.assumedLateralSpacing, VoxelGrid.assumedAxialSpacing)
            spacingSource = .assumed
        }
        let start = try Self.origin(origin, image, size, path)
        grid = VoxelGrid(
            width: voxels.x, height: voxels.y, depth: voxels.z, spacingX: size.x, spacingY: size.y, spacingZ: size.z,
            originX: start.x, originY: start.y, originZ: start.z)
    }

    private static func shape(
        _ given: SIMD3<Int>?, _ image: ImageGeometry?, _ path: String?
    ) throws(LabelWritingError) -> SIMD3<Int>? {
        guard let image else { return given }
        guard let given, given != image.shape else { return image.shape }
        throw .request(
            "--shape \(given.x),\(given.y),\(given.z) contradicts \(path ?? ""), which has "
                + "\(image.shape.x),\(image.shape.y),\(image.shape.z) voxels: leave one out")
    }

    /// In voxels.
    private static func origin(
        _ given: SIMD3<Double>?, _ image: ImageGeometry?, _ spacing: SIMD3<Double>, _ path: String?
    ) throws(LabelWritingError) -> SIMD3<Double> {
        guard let translation = image?.translation else { return given ?? SIMD3() }
        let stated = translation / spacing
        guard let given else { return stated }
        for axis in 0..<3 where abs(given[axis] - stated[axis]) > 1e-3 {
            throw .request(
                "--origin \(text(given)) contradicts \(path ?? ""), which begins at voxel \(text(stated)): leave one out"
            )
        }
        return given
    }

    private static func text(_ values: SIMD3<Double>) -> String { "\(values.x),\(values.y),\(values.z)" }
}
