import Morphology
import Testing

/// With the radius floor, a neuron is never drawn in more 26-connected pieces than it has roots.
@Suite struct ConnectivityTests {
    /// 26-connected components of the labelled voxels, by joining runs that touch.
    static func components(_ source: any LabelSource) -> Int {
        var parents: [Int] = []
        func root(_ index: Int) -> Int {
            var at = index
            while parents[at] != at {
                parents[at] = parents[parents[at]]
                at = parents[at]
            }
            return at
        }
        // The columns and numbers of the runs, for the rows of the plane above and then of this one.
        var above: [Int: [(columns: Range<Int>, number: Int)]] = [:]
        for plane in 0..<source.grid.depth {
            var here: [Int: [(columns: Range<Int>, number: Int)]] = [:]
            for run in source.runs(plane: plane) {
                let number = parents.count
                parents.append(number)
                let reach = (run.columns.lowerBound - 1)..<(run.columns.upperBound + 1)
                let near = [here[run.row - 1], here[run.row], above[run.row - 1], above[run.row], above[run.row + 1]]
                for other in near.lazy.compactMap({ $0 }).joined() where other.columns.overlaps(reach) {
                    parents[root(other.number)] = root(number)
                }
                here[run.row, default: []].append((run.columns, number))
            }
            above = here
        }
        return parents.indices.count { parents[$0] == $0 }
    }

    @Test func componentsAreCounted() throws {
        let grid = VoxelGrid(width: 50, height: 50, depth: 20)
        let nodes = [(1.0, 1.0, 1.0), (3.0, 3.0, 1.0), (3.0, 3.0, 4.0), (3.1, 3.0, 4.0)].enumerated().map { index, p in
            Skeleton.Node(id: index, type: 2, x: p.0, y: p.1, z: p.2, radius: 0.3, parent: -1)
        }
        #expect(Self.components(try RunIndex(Skeleton(nodes: nodes), grid: grid)) == 3)
    }

    @Test func neverMorePiecesThanRoots() throws {
        let box = VoxelGrid(width: 60, height: 50, depth: 24)
        // Wide enough for every neuron of the generator.
        let grid = VoxelGrid(width: 220, height: 210, depth: 90, originX: -80, originY: -80, originZ: -33)
        var withoutFloor = 0
        for seed in 800..<830 {
            let skeleton = try Skeleton(nodes: NeuronGenerator.awkward(seed, count: 14, in: box))
            for level in 0...2 {
                for variant in [LabelVariant.binary, .centerline] {
                    let pieces = Self.components(try variant.source(of: skeleton, in: grid.level(level)))
                    #expect(pieces <= skeleton.roots.count && pieces > 0, "seed \(seed), level \(level), \(variant)")
                }
            }
            var slab = LabelOptions()
            slab.sampling = .slab
            #expect(Self.components(try RunIndex(skeleton, grid: grid, options: slab)) <= skeleton.roots.count)
            var thin = LabelOptions()
            thin.radiusFloor = false
            withoutFloor +=
                Self.components(try RunIndex(skeleton, grid: grid, options: thin)) > skeleton.roots.count ? 1 : 0
        }
        // Without this, the neurons would be too thick to prove anything.
        #expect(withoutFloor > 5)
    }
}
