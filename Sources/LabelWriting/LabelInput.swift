import Glibc
import Morphology
import Support

/// Reads the input of a label job.
enum LabelInput {
    /// Most bytes read of a file: twice the longest lines that a million nodes have.
    static let maximumBytes = 256 << 20

    /// The skeleton at `path`, in um.
    /// - Parameters:
    ///   - units: the units of its numbers; `nil` for those that its header states, else um.
    ///   - drawsMisfits: whether a skeleton that leaves the grid is accepted.
    /// - Throws: a request error with file, line and reason.
    static func skeleton(
        _ path: String, units: LengthUnit?, grid: VoxelGrid, drawsMisfits: Bool
    ) throws(LabelWritingError) -> Skeleton {
        let bytes = try contents(path)
        func parsed(_ units: LengthUnit?) throws(SWCError) -> Skeleton {
            try Skeleton.parse(bytes, units: units, voxel: voxel(grid))
        }
        /// A hint where the numbers are unusable as they were read, and usable as nanometres.
        func hint(_ isUsable: (Skeleton) -> Bool) -> String {
            guard units != .nm else { return "" }
            do throws(SWCError) {
                let skeleton = try parsed(.nm)
                return isUsable(skeleton) ? ". In nanometres the numbers make sense: --units nm" : ""
            } catch {
                return ""
            }
        }
        let skeleton: Skeleton
        do throws(SWCError) {
            skeleton = try parsed(units)
        } catch {
            throw .request("\(path): \(error)" + hint { _ in true }, cause: error)
        }
        if !drawsMisfits, let reason = grid.refusal(of: skeleton) {
            throw .request(
                "\(path) does not fit the image (--force draws the part inside): \(reason)"
                    + hint { grid.refusal(of: $0) == nil })
        }
        return skeleton
    }

    /// The markers at `path`, in um, voxel 0 at 0.
    /// - Parameter scale: um of one unit of the file along x, y and z, that of the skeleton.
    /// - Throws: a request error with file, line and reason.
    static func markers(_ path: String, scale: SIMD3<Double>, grid: VoxelGrid) throws(LabelWritingError) -> [Marker] {
        let bytes = try contents(path)
        do throws(SWCError) {
            return try Marker.parse(bytes, scale: scale, voxel: voxel(grid))
        } catch {
            throw .request("\(path): \(error)", cause: error)
        }
    }

    /// um of a column, a row and a plane.
    private static func voxel(_ grid: VoxelGrid) -> SIMD3<Double> {
        SIMD3(grid.spacingX, grid.spacingY, grid.spacingZ)
    }

    /// The bytes of a file, a pipe or a device, up to `maximumBytes`.
    static func contents(_ path: String) throws(LabelWritingError) -> [UInt8] {
        do throws(Errno) {
            let descriptor = try openFile(path, flags: O_RDONLY)
            defer { close(descriptor) }
            var bytes: [UInt8] = []
            var buffer = [UInt8](repeating: 0, count: 1 << 16)
            while bytes.count <= maximumBytes {
                let count = unsafe buffer.withUnsafeMutableBytes { unsafe read(descriptor, $0.baseAddress, $0.count) }
                if count == 0 { return bytes }
                if count < 0 {
                    if errno == EINTR { continue }
                    throw Errno.current
                }
                bytes.append(contentsOf: buffer[..<count])
            }
        } catch {
            throw .cannotRead(path, error)
        }
        throw .request("\(path) is longer than \(maximumBytes >> 20) MiB, the most that is read of such a file")
    }
}
