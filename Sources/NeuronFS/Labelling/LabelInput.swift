import Glibc
import Morphology
import Support

/// Reads what a label job is given.
enum LabelInput {
    /// Largest file read, bytes: twice the longest lines a million nodes have.
    static let maximumBytes = 256 << 20

    /// The skeleton at `path`, in um.
    /// - Throws: `Failure` 2 with file, line and reason.
    static func skeleton(
        _ path: String, units: SkeletonUnits, grid: VoxelGrid
    ) throws(Failure) -> Skeleton {
        let bytes = try contents(path)
        let skeleton: Skeleton
        do throws(SWCError) {
            skeleton = try Skeleton.parse(bytes)
        } catch {
            throw malformed(path, error)
        }
        guard units == .px else { return skeleton }
        do throws(SWCError) {
            return try skeleton.scaled(x: grid.spacingX, y: grid.spacingY, z: grid.spacingZ)
        } catch {
            throw Failure(sentence: "\(path): node \(error.line) in um: \(error.reason)", code: 2)
        }
    }

    /// The markers at `path`, in um, voxel 0 at 0.
    /// - Throws: `Failure` 2 with file, line and reason.
    static func markers(
        _ path: String, units: SkeletonUnits, grid: VoxelGrid
    ) throws(Failure) -> [Marker] {
        let bytes = try contents(path)
        do throws(SWCError) {
            switch units {
            case .um:
                return try Marker.parse(
                    bytes, shiftX: grid.spacingX, shiftY: grid.spacingY, shiftZ: grid.spacingZ)
            case .px:
                return try Marker.parse(bytes, shiftX: 1, shiftY: 1, shiftZ: 1).map { marker in
                    Marker(
                        x: marker.x * grid.spacingX, y: marker.y * grid.spacingY, z: marker.z * grid.spacingZ,
                        type: marker.type)
                }
            }
        } catch {
            throw malformed(path, error)
        }
    }

    private static func malformed(_ path: String, _ error: SWCError) -> Failure {
        Failure(sentence: "\(path): \(error)", code: 2)
    }

    /// The bytes of a file, a pipe or a device, up to `maximumBytes`.
    private static func contents(_ path: String) throws(Failure) -> [UInt8] {
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
            throw Failure(sentence: "cannot read \(path): \(error)", code: 2)
        }
        throw Failure(sentence: "\(path) is longer than \(maximumBytes >> 20) MiB: that is no skeleton", code: 2)
    }
}
