extension VoxelGrid {
    /// The largest distance, um, by which a node may lie outside the frame before the skeleton is refused. All 616
    /// database skeletons with a known frame lie inside their frames. Files in another frame are off by hundreds of
    /// micrometres.
    public static let frameMargin = 5.0

    /// The reason why `skeleton` does not belong to the frame of this grid, or `nil` when it belongs to it.
    ///
    /// Call it on the grid of the whole stack. A neuron may rightly reach beyond a crop. Skeletons named "upright",
    /// "transformed" or "layer_aligned" are rotated into another frame, which their negative coordinates show. A
    /// skeleton is refused when a node lies more than `frameMargin` outside the box of the voxels.
    public func refusal(of skeleton: Skeleton) -> String? {
        let bounds = skeleton.bounds
        let axes: [(name: String, node: ClosedRange<Double>, frame: ClosedRange<Double>)] = [
            ("x", bounds.x, x(0)...max(x(0), x(width - 1))),
            ("y", bounds.y, y(0)...max(y(0), y(height - 1))),
            ("z", bounds.z, z(0)...max(z(0), z(depth - 1))),
        ]
        for axis in axes where axis.node.lowerBound < min(0, axis.frame.lowerBound) - Self.frameMargin {
            return
                "its \(axis.name) coordinates begin at \(Self.rounded(axis.node.lowerBound)) um: it is in an upright "
                + "or otherwise transformed frame, not in that of the image"
        }
        for axis in axes
        where axis.node.lowerBound < axis.frame.lowerBound - Self.frameMargin
            || axis.node.upperBound > axis.frame.upperBound + Self.frameMargin
        {
            return "its \(axis.name) coordinates, \(Self.rounded(axis.node.lowerBound)) to "
                + "\(Self.rounded(axis.node.upperBound)) um, leave the image, which spans "
                + "\(Self.rounded(axis.frame.lowerBound)) to \(Self.rounded(axis.frame.upperBound)) um"
        }
        return nil
    }

    private static func rounded(_ value: Double) -> Double { (value * 100).rounded() / 100 }
}
