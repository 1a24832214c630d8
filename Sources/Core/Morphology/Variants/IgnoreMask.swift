extension RunIndex {
    /// The classes, with balls of the ignore value around the markers where the tracing stops.
    ///
    /// The balls are drawn with value 0, which wins everywhere. Afterwards their value and that of unknown nodes are
    /// replaced by the ignore value.
    convenience init(
        ignoringAround markers: [Marker], of skeleton: Skeleton, grid: VoxelGrid, options: LabelOptions
    ) throws(LabelError) {
        try grid.validate()
        guard options.ignoreValue != 0 else {
            throw .option("the ignore value 0, which is the background; it must be 1 to 255")
        }
        guard options.ignoreRadius >= 0 && options.ignoreRadius <= 1000 else {
            throw .option("an ignore radius of \(options.ignoreRadius) um; it must be 0 to 1000 um")
        }
        let floor = SolidList.floor(options, grid)
        let list = try SolidList(skeleton, in: grid, floor: floor, options: options) { _, compartment in
            UInt16(compartment.rawValue)
        }
        let balls = markers.filter { marker in marker.kind == .cutDendrite || marker.kind == .noReconstruction }
            .map { marker in
                RoundedCone(
                    x: marker.x, y: marker.y, z: marker.z, radius: max(options.ignoreRadius, floor), value: 0)
            }
        let drawn = try RunIndex(solids: list.solids + balls, grid: grid, options: options, bytesPerVoxel: 1)
        let ignored = UInt16(options.ignoreValue)
        let unknown = UInt16(Compartment.unknown.rawValue)
        let renamed = drawn.renamed { value in value == 0 || value == unknown ? ignored : value }
        self.init(grid: grid, bytesPerVoxel: 1, words: renamed.words, starts: renamed.starts)
    }

    /// The runs with replaced values. Neighbours that become equal are merged.
    private func renamed(_ rename: (UInt16) -> UInt16) -> (words: [UInt64], starts: [UInt32]) {
        var output = WordBuffer(capacity: words.count)
        var starts = [UInt32](repeating: 0, count: grid.depth + 1)
        for plane in 0..<grid.depth {
            var pending: UInt64?
            for word in words[Int(self.starts[plane])..<Int(self.starts[plane + 1])] {
                let next = word & ~0xFFFF | UInt64(rename(PackedRun.value(word)))
                if let before = pending {
                    if PackedRun.row(before) == PackedRun.row(next)
                        && PackedRun.last(before) + 1 == PackedRun.first(next)
                        && PackedRun.value(before) == PackedRun.value(next)
                    {
                        pending = before & ~0xFFFF_0000 | next & 0xFFFF_0000
                        continue
                    }
                    output.append(before)
                }
                pending = next
            }
            if let last = pending { output.append(last) }
            starts[plane + 1] = UInt32(truncatingIfNeeded: output.count)
        }
        return (output.array(), starts)
    }
}
