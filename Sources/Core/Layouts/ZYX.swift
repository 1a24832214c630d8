/// One value for each axis of a volume, in the order of the arrays: z (planes), y (rows), x (columns).
package struct ZYX<Value> {
    /// Across the planes.
    package var z: Value
    /// Down the rows of a plane.
    package var y: Value
    /// Along a row.
    package var x: Value

    /// One value for each axis.
    package init(z: Value, y: Value, x: Value) {
        self.z = z
        self.y = y
        self.x = x
    }

    /// The values in array order.
    package var array: [Value] { [z, y, x] }

    /// Applies `transform` to each axis.
    package func map<Result>(_ transform: (Value) -> Result) -> ZYX<Result> {
        ZYX<Result>(z: transform(z), y: transform(y), x: transform(x))
    }

    /// Applies `transform` to the values of both on each axis.
    package func zip<Other, Result>(_ other: ZYX<Other>, _ transform: (Value, Other) -> Result) -> ZYX<Result> {
        ZYX<Result>(z: transform(z, other.z), y: transform(y, other.y), x: transform(x, other.x))
    }
}

/// A box of voxels: a range on each axis.
package typealias VoxelBox = ZYX<Range<Int>>

extension ZYX: Sendable where Value: Sendable {}
extension ZYX: Equatable where Value: Equatable {}
extension ZYX: Hashable where Value: Hashable {}
