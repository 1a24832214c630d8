@testable import Morphology

/// A skeleton file from the server: it is parsed, and an accepted skeleton is painted. The input is the file.
@Sendable func fuzzSWC(_ bytes: [UInt8]) {
    let skeleton: Skeleton
    do throws(SWCError) {
        skeleton = try Skeleton.parse(bytes)
    } catch {
        require(error.line >= 0 && error.line <= bytes.count + 1 && !error.reason.isEmpty, "an error names its line")
        return
    }
    checkForest(skeleton)
    var choices = Choices(hashing: bytes)
    let grid = smallGrid(around: skeleton.nodes[0], &choices)
    _ = grid.refusal(of: skeleton)
    let variant = choices.element(LabelVariant.allCases)
    var options = LabelOptions()
    options.sampling = choices.element(PlaneSampling.allCases)
    options.somaEdge = choices.element(SomaEdge.allCases)
    options.radiusFloor = choices.bool()
    let markers = [Marker(x: skeleton.nodes[0].x, y: skeleton.nodes[0].y, z: skeleton.nodes[0].z, type: 10)]
    do throws(LabelError) {
        let source = try variant.source(of: skeleton, markers: markers, in: grid, options: options)
        checkSource(source, &choices)
    } catch {
        require(false, "a sound grid and options are accepted: \(error)")
    }
}

/// A marker file from the server. The input is the file.
@Sendable func fuzzMarkers(_ bytes: [UInt8]) {
    do throws(SWCError) {
        let markers = try Marker.parse(bytes)
        require(markers.count <= bytes.count / 5 + 1, "a marker takes five bytes")
        for marker in markers {
            require(marker.x.isFinite && marker.y.isFinite && marker.z.isFinite, "coordinates are finite")
            _ = marker.kind
        }
    } catch {
        require(error.line >= 0 && error.line <= bytes.count + 1 && !error.reason.isEmpty, "an error names its line")
    }
}

/// The guarantees of every accepted skeleton.
private func checkForest(_ skeleton: Skeleton) {
    let limits = SWCLimits()
    let count = skeleton.nodes.count
    require(count > 0 && skeleton.compartments.count == count && skeleton.childCounts.count == count, "one of each")
    var ids = Set<Int>()
    for node in skeleton.nodes {
        require(ids.insert(node.id).inserted, "ids are unique")
        require((-1..<count).contains(node.parent), "a parent is a node")
        require([node.x, node.y, node.z].allSatisfy { abs($0) <= limits.maximumCoordinate }, "coordinates are bounded")
        require(node.radius >= 0 && node.radius <= limits.maximumRadius, "radii are bounded")
        require(skeleton.bounds.x.contains(node.x) && skeleton.bounds.z.contains(node.z), "the bounds hold every node")
    }
    let findings = skeleton.findings
    require(findings.nodes - 2 * findings.threePointSomata == count, "a soma of three points is one node")
    require(findings.missingParents <= findings.roots && findings.roots == skeleton.roots.count, "roots are counted")
    require(
        findings.inferredClasses + findings.unknownClasses <= count && findings.warnings.count < 20,
        "findings are bounded")
    for outline in skeleton.outlines {
        require(outline.nodes.allSatisfy { skeleton.nodes[$0].type == 1 }, "an outline is of the soma")
        require(outline.corners.count == outline.nodes.count && outline.radius >= 0, "one corner a node")
        require(outline.centre.x.isFinite && outline.centre.y.isFinite, "an outline has a centre")
    }
    for start in skeleton.nodes.indices.prefix(64) {
        var (index, steps) = (start, 0)
        while index >= 0 {
            index = skeleton.nodes[index].parent
            steps += 1
            require(steps <= count, "no node is its own ancestor")
        }
    }
}

/// A grid of at most 24 x 20 x 8 voxels. With an even chance, it contains `node`.
private func smallGrid(around node: Skeleton.Node, _ choices: inout Choices) -> VoxelGrid {
    var grid = VoxelGrid(
        width: choices.int(1...24), height: choices.int(1...20), depth: choices.int(1...8),
        spacingX: choices.element([0.1144, 0.2288, 1, 7.5]), spacingY: choices.element([0.1144, 1, 3]),
        spacingZ: choices.element([0.28, 0.1144, 12]), originX: choices.element([0, 1, 0.5, -3]),
        originY: choices.element([0, 1, -2.25]), originZ: choices.element([0, -1]))
    if choices.bool() {
        grid.originX += (node.x / grid.spacingX).rounded() - Double(grid.width / 2)
        grid.originY += (node.y / grid.spacingY).rounded() - Double(grid.height / 2)
        grid.originZ += (node.z / grid.spacingZ).rounded() - Double(grid.depth / 2)
    }
    return grid
}

/// Checks that every way to read a source gives the same voxels.
private func checkSource(_ source: any LabelSource, _ choices: inout Choices) {
    let (grid, size) = (source.grid, source.bytesPerVoxel)
    for plane in 0..<grid.depth {
        let whole = source.plane(plane)
        require(whole.count == grid.planeVoxels * size, "a plane has all its voxels")

        let part = choices.range(upTo: whole.count)
        let painted = read(part.count) { source.paint(plane: plane, bytes: part, into: $0) }
        require(painted == Array(whole[part]), "a part of plane \(plane) is the same as in the whole: \(part)")

        let x = choices.int(-3...24)..<30
        let y = choices.int(-3...20)..<26
        let stride = x.count * size + choices.int(0...3)
        let window = read(stride * y.count) {
            source.paintWindow(plane: plane, x: x, y: y, into: $0, rowStride: stride)
        }
        for row in y {
            for column in x {
                let inside = (0..<grid.width).contains(column) && (0..<grid.height).contains(row)
                for byte in 0..<size {
                    let expected = inside ? whole[(row * grid.width + column) * size + byte] : 0
                    let found = window[(row - y.lowerBound) * stride + (column - x.lowerBound) * size + byte]
                    require(found == expected, "voxel (\(column), \(row), \(plane)) of a window")
                }
            }
        }

        var fromRuns = [UInt8](repeating: 0, count: whole.count)
        for run in source.runs(plane: plane) {
            require(run.value != 0 && !run.columns.isEmpty, "a run is not empty")
            for column in run.columns {
                for byte in 0..<size {
                    fromRuns[(run.row * grid.width + column) * size + byte] =
                        UInt8(truncatingIfNeeded: run.value >> (8 * UInt16(byte)))
                }
            }
        }
        require(fromRuns == whole, "the runs of plane \(plane) are its voxels")
        let isEmpty = source.isEmpty(planes: plane..<plane + 1, x: 0..<grid.width, y: 0..<grid.height)
        require(isEmpty == whole.allSatisfy { $0 == 0 }, "plane \(plane) is empty or not")
    }
}

/// `count` bytes that `body` writes. A byte that it does not write stays 0xA5.
private func read(_ count: Int, _ body: (UnsafeMutableRawBufferPointer) -> Void) -> [UInt8] {
    var bytes = [UInt8](repeating: 0xA5, count: count)
    bytes.withUnsafeMutableBytes { body($0) }
    return bytes
}
