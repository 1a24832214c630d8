/// How a voxel is stored. The raw value is NumPy's name of the type, which Zarr v2 uses as well
/// (<https://numpy.org/doc/stable/reference/arrays.interface.html>, typestr).
package enum VoxelType: String, Sendable {
    /// Unsigned, 8 bits.
    case uint8 = "|u1"
    /// Unsigned, 16 bits, little endian.
    case uint16 = "<u2"

    /// The type of `bits` bits, 8 or 16.
    package init(bits: Int) { self = bits == 16 ? .uint16 : .uint8 }

    /// Bytes of a voxel.
    package var byteCount: Int { self == .uint8 ? 1 : 2 }
}
