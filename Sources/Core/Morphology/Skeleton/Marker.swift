/// A marker of the database's marker file: a place that the tracer commented on.
public struct Marker: Sendable, Hashable {
    /// What a marker means.
    public enum Kind: Int, Sendable, Hashable, CaseIterable {
        /// A dendrite cut by the slice surface.
        case cutDendrite = 10
        /// An axon or dendrite that was not reconstructed from here on.
        case noReconstruction = 20
        /// The slice surface above the soma.
        case sliceSurface = 30
    }

    /// Micrometres, in the convention of the skeleton (voxel 0 is centred at 0).
    public var x: Double
    /// Micrometres.
    public var y: Double
    /// Micrometres.
    public var z: Double
    /// The number in the name column; `nil` when the column is empty or holds no whole number (file 529898751 has 13
    /// such rows).
    public var type: Int?

    /// A marker at the given place.
    public init(x: Double, y: Double, z: Double, type: Int?) {
        self.x = x
        self.y = y
        self.z = z
        self.type = type
    }

    /// The meaning of `type`; `nil` when the meaning is not known.
    public var kind: Kind? { type.flatMap(Kind.init(rawValue:)) }

    /// Reads a marker file. Its columns are x, y, z, radius, shape, name, comment and colours, separated by commas; x,
    /// y, z and name are used. Comment lines, blank lines, CR LF, a missing final newline and an empty name are
    /// tolerated.
    ///
    /// Marker coordinates count voxels from 1, skeletons from 0 (allensdk/core/swc.py, class `Marker`), so one voxel is
    /// subtracted. Then 882 of 886 cut dendrites and 55 of 55 stops coincide with a node.
    /// - Parameters:
    ///   - scale: um of one unit of the file along x, y and z, that of the skeleton.
    ///   - voxel: um of a column, a row and a plane, which are subtracted.
    ///   - limits: `maximumNodes` limits the number of markers as well.
    /// - Throws: `SWCError` with line and reason for a missing or unreadable coordinate, a NUL byte, or too many
    ///   markers. A file without markers gives an empty list.
    public static func parse(
        _ bytes: [UInt8], scale: SIMD3<Double> = SIMD3(repeating: 1),
        voxel: SIMD3<Double> = SIMD3(
            VoxelGrid.assumedLateralSpacing, VoxelGrid.assumedLateralSpacing, VoxelGrid.assumedAxialSpacing),
        limits: SWCLimits = SWCLimits()
    ) throws(SWCError) -> [Marker] {
        let parsed: Result<[Marker], SWCError> = unsafe bytes.withUnsafeBufferPointer { buffer in
            do throws(SWCError) {
                return .success(try unsafe rows(buffer, limits: limits))
            } catch {
                return .failure(error)
            }
        }
        return try parsed.get().map { marker in
            Marker(
                x: marker.x * scale.x - voxel.x, y: marker.y * scale.y - voxel.y, z: marker.z * scale.z - voxel.z,
                type: marker.type)
        }
    }

    @unsafe private static func rows(
        _ bytes: UnsafeBufferPointer<UInt8>, limits: SWCLimits
    ) throws(SWCError) -> [Marker] {
        if let line = unsafe ColumnScanner.lineOfNUL(bytes) {
            throw SWCError(line: line, reason: "a NUL byte: this is not a text file")
        }
        var markers: [Marker] = []
        var scanner = unsafe ColumnScanner(bytes, commaSeparated: true)
        while scanner.advance() {
            guard scanner.hasData else { continue }
            guard markers.count < limits.maximumNodes else {
                throw SWCError(line: scanner.line, reason: "more than \(limits.maximumNodes) markers")
            }
            let x = try coordinate(&scanner, "x", limits)
            let y = try coordinate(&scanner, "y", limits)
            let z = try coordinate(&scanner, "z", limits)
            _ = scanner.next()
            _ = scanner.next()
            let type = scanner.next().flatMap { name in scanner.number(name) }.flatMap { value in Int(exactly: value) }
            markers.append(Marker(x: x, y: y, z: z, type: type))
        }
        return markers
    }

    private static func coordinate(
        _ scanner: inout ColumnScanner, _ name: String, _ limits: SWCLimits
    ) throws(SWCError) -> Double {
        guard let column = scanner.next() else {
            throw SWCError(line: scanner.line, reason: "no \(name) column")
        }
        guard let value = scanner.number(column), abs(value) <= limits.maximumCoordinate else {
            throw SWCError(
                line: scanner.line, reason: "\(name) is not a usable coordinate: \(scanner.quoted(column))")
        }
        return value
    }
}
