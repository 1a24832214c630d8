/// The distance between neighbouring voxel centres, in micrometres.
///
/// The Allen image stacks have (0.1144, 0.1144, 0.28).
public struct PixelSpacing: Hashable, Sendable {
    /// Between neighbouring pixels of a row, um, above 0.
    public var x: Double
    /// Between neighbouring rows, um, above 0.
    public var y: Double
    /// Between neighbouring planes, um, above 0.
    public var z: Double

    /// A spacing in micrometres.
    public init(x: Double, y: Double, z: Double) {
        self.x = x
        self.y = y
        self.z = z
    }
}
