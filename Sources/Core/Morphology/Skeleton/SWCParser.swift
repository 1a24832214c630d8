extension SWCError {
    static func tooManyNodes(_ limits: SWCLimits) -> SWCError {
        SWCError(line: 0, reason: "the file holds more than \(limits.maximumNodes) nodes")
    }
}

extension Skeleton {
    /// Reads an SWC file: lines of id, type, x, y, z, radius, parent id; further columns are ignored.
    ///
    /// Tolerated: comment lines (`#`) and blank lines anywhere, LF, CR LF or CR, tabs, blanks around a line, a UTF-8
    /// byte order mark, no newline at the end, ids from 0 and in any order, a parent after its child, whole numbers
    /// written as "3.0". A parent id that is negative or not in the file makes a root.
    ///
    /// - Throws: `SWCError` with line and reason for a missing column, a column that is not a finite decimal number, an
    ///   id that is negative or not whole, a type that is not whole, a duplicate id, a negative radius, a coordinate or
    ///   radius above the limits, a node among its own ancestors, a NUL byte, more nodes than the limit, or no node at
    ///   all.
    public static func parse(_ bytes: [UInt8], limits: SWCLimits = SWCLimits()) throws(SWCError) -> Skeleton {
        let parsed: Result<SWCRows, SWCError> = unsafe bytes.withUnsafeBufferPointer { buffer in
            do throws(SWCError) {
                return .success(try unsafe SWCRows(buffer, limits: limits))
            } catch {
                return .failure(error)
            }
        }
        let rows = try parsed.get()
        return try Skeleton(checked: try rows.linked()) { index in Int(rows.lines[index]) }
    }
}

/// The rows of an SWC file before parent ids are turned into indices.
private struct SWCRows {
    /// Nodes whose `parent` is still the file's parent id.
    var nodes: [Skeleton.Node] = []
    /// The line of each node, from 1.
    var lines: [Int32] = []

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
            guard scanner.hasData else { continue }
            guard nodes.count < limits.maximumNodes else { throw SWCError.tooManyNodes(limits) }
            nodes.append(try Self.node(&scanner, limits: limits))
            lines.append(Int32(truncatingIfNeeded: scanner.line))
        }
    }

    /// The node of the current line.
    private static func node(
        _ scanner: inout ColumnScanner, limits: SWCLimits
    ) throws(SWCError) -> Skeleton.Node {
        let id = try whole(&scanner, 0)
        let type = try whole(&scanner, 1)
        let node = Skeleton.Node(
            id: id, type: type, x: try number(&scanner, 2), y: try number(&scanner, 3), z: try number(&scanner, 4),
            radius: try number(&scanner, 5), parent: try whole(&scanner, 6))
        guard id >= 0 else { throw SWCError(line: scanner.line, reason: "the id is negative (\(id))") }
        let inRange =
            abs(node.x) <= limits.maximumCoordinate && abs(node.y) <= limits.maximumCoordinate
            && abs(node.z) <= limits.maximumCoordinate && node.radius >= 0 && node.radius <= limits.maximumRadius
        if !inRange, let reason = Skeleton.fault(of: node, limits: limits) {
            throw SWCError(line: scanner.line, reason: reason)
        }
        return node
    }

    private static let names = ["id", "type", "x", "y", "z", "radius", "parent"]

    private static func number(_ scanner: inout ColumnScanner, _ column: Int) throws(SWCError) -> Double {
        guard let range = scanner.next() else {
            throw SWCError(line: scanner.line, reason: "\(column) columns, 7 are needed: no \(names[column])")
        }
        guard let value = scanner.number(range), value.isFinite else {
            throw SWCError(
                line: scanner.line, reason: "\(names[column]) is not a finite number: \(scanner.quoted(range))")
        }
        return value
    }

    private static func whole(_ scanner: inout ColumnScanner, _ column: Int) throws(SWCError) -> Int {
        let value = try number(&scanner, column)
        guard let whole = Int(exactly: value), abs(value) <= 9_007_199_254_740_992 else {
            throw SWCError(line: scanner.line, reason: "\(names[column]) is not a whole number: \(value)")
        }
        return whole
    }

    /// The nodes with parent indices.
    func linked() throws(SWCError) -> [Skeleton.Node] {
        let largest = nodes.reduce(0) { largest, node in max(largest, node.id) }
        // Real files number their nodes densely: a table; anything else: a dictionary.
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
