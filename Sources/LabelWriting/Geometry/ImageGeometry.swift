import Glibc
import Support

/// What an image file says of its geometry.
struct ImageGeometry {
    /// Columns, rows, planes.
    var shape: SIMD3<Int>
    /// um of a column, a row and a plane; 0 where the file does not say.
    var spacing: SIMD3<Double>
    /// The centre of voxel (0, 0, 0), um, where the file says.
    var translation: SIMD3<Double>?

    /// Reads a TIFF file, or a directory that is a Zarr array or an OME-Zarr image.
    /// - Throws: a request error for anything else, and for numbers that no image has.
    init(_ path: String) throws(LabelWritingError) {
        var status = stat()
        guard unsafe stat(path, &status) == 0 else {
            throw .cannotRead(path, Errno.current)
        }
        self = status.st_mode & S_IFMT == S_IFDIR ? try ZarrGeometry.read(path) : try TIFFGeometry.read(path)
        for axis in 0..<3 {
            guard (1...Int(Int32.max)).contains(shape[axis]), spacing[axis].isFinite, spacing[axis] >= 0 else {
                throw .request("\(path) states a shape or a spacing that no image has")
            }
        }
    }

    init(shape: SIMD3<Int>, spacing: SIMD3<Double>, translation: SIMD3<Double>? = nil) {
        (self.shape, self.spacing, self.translation) = (shape, spacing, translation)
    }
}
