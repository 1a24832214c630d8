extension SWCError {
    static func tooManyNodes(_ limits: SWCLimits) -> SWCError {
        SWCError(line: 0, reason: "the file holds more than \(limits.maximumNodes) nodes")
    }
}

extension Skeleton {
    /// Reads an SWC file: lines of id, type, x, y, z, radius, parent id. Further columns are ignored.
    ///
    /// These are tolerated: comment lines (`#`) and blank lines anywhere; LF, CR LF or CR; tabs, and blanks around a
    /// line; a UTF-8 byte order mark; no newline at the end; ids from 0 to 2^63 - 1 in any order; a parent after its
    /// child; whole numbers written as "3.0". A parent id that is negative or not in the file makes a root; `findings`
    /// counts the latter. Units and `OFFSET` that a comment states are applied (`SWCHeader`).
    ///
    /// - Parameters:
    ///   - units: the units of the numbers; `nil` for those that the header states, else um.
    ///   - voxel: um of a column, a row and a plane, for numbers in pixels.
    /// - Throws: `SWCError` with line and reason. Columns: one is missing, or is not a finite decimal number. Ids: one
    ///   is negative, not whole, above 2^63 - 1 or duplicate. A type is not whole. A radius is negative. A coordinate
    ///   or radius is above the limits. A node is its own ancestor. An outline of a soma cannot be filled. Headers
    ///   contradict each other. The file has a NUL byte, more nodes than the limit, or no node at all.
    public static func parse(
        _ bytes: [UInt8], units: LengthUnit? = nil,
        voxel: SIMD3<Double> = SIMD3(
            VoxelGrid.assumedLateralSpacing, VoxelGrid.assumedLateralSpacing, VoxelGrid.assumedAxialSpacing),
        limits: SWCLimits = SWCLimits()
    ) throws(SWCError) -> Skeleton {
        let parsed: Result<SWCRows, SWCError> = unsafe bytes.withUnsafeBufferPointer { buffer in
            do throws(SWCError) {
                return .success(try unsafe SWCRows(buffer, limits: limits))
            } catch {
                return .failure(error)
            }
        }
        var rows = try parsed.get()
        var findings = rows.header.findings(asked: units, voxel: voxel)
        try rows.place(scale: findings.scale, offset: findings.offset ?? SIMD3(), limits: limits)
        let nodes = try rows.linked()
        findings.missingParents = zip(nodes, rows.nodes).count { linked, row in linked.parent < 0 && row.parent >= 0 }
        return try Skeleton(checked: nodes, findings: findings) { index in Int(rows.lines[index]) }
    }
}

/// The rows of an SWC file before parent ids are turned into indices.
private struct SWCRows {
    /// The nodes, whose `parent` is still the parent id of the file.
    var nodes: [Skeleton.Node] = []
    /// The line of each node, from 1.
    var lines: [Int32] = []
    /// The statements in the comments.
    var header = SWCHeader()

    @unsafe init(_ bytes: UnsafeBufferPointer<UInt8>, limits: SWCLimits) throws(SWCError) {
        if let line = unsafe ColumnScanner.lineOfNUL(bytes) {
            throw SWCError(line: line, reason: "a NUL byte: this is not a text file")
        }
        let expected = unsafe ColumnScanner.dataLines(bytes, limit: limits.maximumNodes)
        guard expected <= limits.maximumNodes else { throw SWCError.tooManyNodes(limits) }
        nodes.reserveCapacity(expected)
        lines.reserveCapacity(expected)
        var scanner = unsafe ColumnScanner(bytes)
        while scanner.advance() {
            if scanner.isComment { try header.read(&scanner) }
            guard scanner.hasData else { continue }
            guard nodes.count < limits.maximumNodes else { throw SWCError.tooManyNodes(limits) }
            nodes.append(try Self.node(&scanner))
            lines.append(Int32(truncatingIfNeeded: scanner.line))
        }
    }

    /// The node of the current line, with the numbers of the file.
    private static func node(_ scanner: inout ColumnScanner) throws(SWCError) -> Skeleton.Node {
        let id = try whole(&scanner, 0)
        let type = try whole(&scanner, 1)
        let node = Skeleton.Node(
            id: id, type: type, x: try number(&scanner, 2), y: try number(&scanner, 3), z: try number(&scanner, 4),
            radius: try number(&scanner, 5), parent: try whole(&scanner, 6))
        guard id >= 0 else { throw SWCError(line: scanner.line, reason: "the id is negative (\(id))") }
        return node
    }

    private static let names = ["id", "type", "x", "y", "z", "radius", "parent"]

    private static func column(_ scanner: inout ColumnScanner, _ column: Int) throws(SWCError) -> Range<Int> {
        guard let range = scanner.next() else {
            throw SWCError(line: scanner.line, reason: "\(column) columns, 7 are needed: no \(names[column])")
        }
        return range
    }

    private static func number(_ scanner: inout ColumnScanner, _ column: Int) throws(SWCError) -> Double {
        let range = try Self.column(&scanner, column)
        guard let value = scanner.number(range), value.isFinite else {
            throw SWCError(
                line: scanner.line, reason: "\(names[column]) is not a finite number: \(scanner.quoted(range))")
        }
        return value
    }

    private static func whole(_ scanner: inout ColumnScanner, _ column: Int) throws(SWCError) -> Int {
        let range = try Self.column(&scanner, column)
        switch scanner.whole(range) {
        case .value(let value): return value
        case .tooLarge:
            throw SWCError(
                line: scanner.line,
                reason: "\(names[column]) is beyond the 64-bit whole numbers: \(scanner.quoted(range))")
        case .none:
            let kind = scanner.number(range) == nil ? "finite" : "whole"
            throw SWCError(
                line: scanner.line, reason: "\(names[column]) is not a \(kind) number: \(scanner.quoted(range))")
        }
    }

    /// Converts the nodes to um: (x + offset) * scale. Radii are scaled as x is.
    mutating func place(scale: SIMD3<Double>, offset: SIMD3<Double>, limits: SWCLimits) throws(SWCError) {
        let isPlain = scale == SIMD3(repeating: 1) && offset == SIMD3()
        for index in nodes.indices {
            if !isPlain {
                nodes[index].x = (nodes[index].x + offset.x) * scale.x
                nodes[index].y = (nodes[index].y + offset.y) * scale.y
                nodes[index].z = (nodes[index].z + offset.z) * scale.z
                nodes[index].radius *= scale.x
            }
            let node = nodes[index]
            let inRange =
                abs(node.x) <= limits.maximumCoordinate && abs(node.y) <= limits.maximumCoordinate
                && abs(node.z) <= limits.maximumCoordinate && node.radius >= 0 && node.radius <= limits.maximumRadius
            if !inRange, let reason = Skeleton.fault(of: node, limits: limits) {
                throw SWCError(line: Int(lines[index]), reason: reason)
            }
        }
    }

    /// The nodes with parent indices.
    func linked() throws(SWCError) -> [Skeleton.Node] {
        let largest = nodes.reduce(0) { largest, node in max(largest, node.id) }
        // Real files number their nodes densely, so a table is fast. Any other file needs a dictionary.
        return largest <= 4 * nodes.count + 1024 ? try linkedByTable(largest) : try linkedByDictionary()
    }

    private func linkedByTable(_ largest: Int) throws(SWCError) -> [Skeleton.Node] {
        var table = [Int32](repeating: -1, count: largest + 1)
        for (index, node) in nodes.enumerated() {
            guard table[node.id] < 0 else { throw duplicate(index) }
            table[node.id] = Int32(truncatingIfNeeded: index)
        }
        var linked = nodes
        for index in linked.indices {
            let parent = linked[index].parent
            linked[index].parent = parent >= 0 && parent <= largest ? Int(table[parent]) : -1
        }
        return linked
    }

    private func linkedByDictionary() throws(SWCError) -> [Skeleton.Node] {
        var table = [Int: Int](minimumCapacity: nodes.count)
        for (index, node) in nodes.enumerated() {
            guard table.updateValue(index, forKey: node.id) == nil else { throw duplicate(index) }
        }
        var linked = nodes
        for index in linked.indices { linked[index].parent = table[linked[index].parent] ?? -1 }
        return linked
    }

    private func duplicate(_ index: Int) -> SWCError {
        SWCError(line: Int(lines[index]), reason: "id \(nodes[index].id) appears twice")
    }
}
