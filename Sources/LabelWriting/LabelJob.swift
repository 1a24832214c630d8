import Glibc
import Layouts
package import Morphology
import Support

/// Makes one label volume: reads the skeleton, draws it, writes the volume and the report beside it.
package struct LabelJob {
    let skeletonPath: String
    let markerPath: String?
    let units: LengthUnit?
    let variant: LabelVariant
    let options: LabelOptions
    let frame: LabelFrame
    let level: Int
    let drawsMisfits: Bool
    let output: LabelOutput

    /// - Parameters:
    ///   - skeletonPath: an SWC file, a pipe or a device.
    ///   - markerPath: a marker file, for the variant `ignore`.
    ///   - units: the units of the skeleton; `nil` for those that its header states, else um.
    ///   - frame: the image at full resolution.
    ///   - level: the pyramid level written: columns and rows 2^level times as large. An OME-Zarr begins there.
    ///   - drawsMisfits: whether a skeleton that leaves the frame is drawn all the same, as far as it is inside.
    package init(
        skeletonPath: String, markerPath: String?, units: LengthUnit?, variant: LabelVariant, options: LabelOptions,
        frame: LabelFrame, level: Int, drawsMisfits: Bool, output: LabelOutput
    ) {
        self.skeletonPath = skeletonPath
        self.markerPath = markerPath
        self.units = units
        self.variant = variant
        self.options = options
        self.frame = frame
        self.level = level
        self.drawsMisfits = drawsMisfits
        self.output = output
    }

    /// The outcome of a finished job.
    package struct Outcome: Sendable {
        /// The grid of the volume.
        package let grid: VoxelGrid
        /// Voxels that are not background; `nil` for the variants `distance` and `nodes`, which are fields.
        package let labelled: Int?
        /// How the skeleton was read.
        package let findings: SkeletonFindings
    }

    /// Does the job. Nothing of the volume stays behind when the job fails or is stopped.
    ///
    /// - Parameters:
    ///   - warn: gets a sentence for each thing that a person should know of the skeleton, before anything is written.
    ///   - progress: called when writing begins and after each plane, or row of chunks. It answers whether the job goes on.
    /// - Throws: why there is no volume.
    package func run(
        warn: (String) -> Void, progress: @escaping (LabelProgress) -> Bool
    ) throws(LabelWritingError) -> Outcome {
        let skeleton = try LabelInput.skeleton(
            skeletonPath, units: units, grid: frame.grid, drawsMisfits: drawsMisfits)
        var markers: [Marker] = []
        if let markerPath {
            markers = try LabelInput.markers(markerPath, scale: skeleton.findings.scale, grid: frame.grid)
        }
        try checkReport()
        for warning in skeleton.findings.warnings { warn("\(skeletonPath): \(warning)") }

        let drawing = Drawing(skeleton: skeleton, markers: markers, variant: variant, options: options)
        let grid = frame.grid.level(level)
        let source = try drawing.source(in: grid)
        let sections = variant == .instance ? try drawing.sections() : nil
        let counts = variant == .distance || variant == .nodes ? nil : LabelCounts(source)
        let levels = try write(source, drawing, progress)
        let report = LabelReport(
            job: self, skeleton: skeleton, markers: markers, grid: grid, counts: counts, sections: sections,
            levels: levels)
        do throws(Errno) {
            try writeFileAtomically(report.bytes, to: output.reportPath)
        } catch {
            throw .cannotWrite(output.reportPath, error)
        }
        return Outcome(grid: grid, labelled: counts?.total, findings: skeleton.findings)
    }

    /// Writes the volume; returns the levels of an OME-Zarr.
    private func write(
        _ source: any LabelSource, _ drawing: Drawing, _ report: @escaping (LabelProgress) -> Bool
    ) throws(LabelWritingError) -> [OMEZarrImage.Level] {
        func planes() throws(LabelWritingError) -> ProgressCounter {
            try ProgressCounter(LabelProgress(unit: .planes, total: source.grid.depth), report: report)
        }
        var writer = VolumeWriter(source)
        switch output.format {
        case .zarr:
            let zarr = try ZarrWriter(grid: source.grid, variant: variant, name: output.name)
            var progress = try ProgressCounter(LabelProgress(unit: .chunks, total: zarr.chunkCount), report: report)
            try zarr.write(source, to: output.path, progress: &progress) { grid throws(LabelWritingError) in
                try drawing.source(in: grid)
            }
            return zarr.levels
        case .npy:
            var progress = try planes()
            try writer.writeArray(to: output.path, progress: &progress)
        case .volume:
            let layout = try volumeLayout(source)
            var progress = try planes()
            try writer.writeVolume(layout, to: output.path, progress: &progress)
        case .planes:
            let layout = try planeLayout(source)
            var progress = try planes()
            try writer.writePlaneFiles(layout, to: output.path, progress: &progress)
        }
        return []
    }

    private func volumeLayout(_ source: any LabelSource) throws(LabelWritingError) -> VolumeTIFF {
        let grid = source.grid
        do throws(TIFFLayoutError) {
            return try VolumeTIFF(
                width: grid.width, height: grid.height, depth: grid.depth, bitsPerSample: 8 * source.bytesPerVoxel,
                spacing: Self.spacing(grid), description: LabelRules.tiffDescription(of: variant))
        } catch {
            throw Self.refusal(error)
        }
    }

    private func planeLayout(_ source: any LabelSource) throws(LabelWritingError) -> PlaneTIFF {
        let grid = source.grid
        do throws(TIFFLayoutError) {
            return try PlaneTIFF(
                width: grid.width, height: grid.height, bitsPerSample: 8 * source.bytesPerVoxel,
                spacing: Self.spacing(grid), description: LabelRules.tiffDescription(of: variant))
        } catch {
            throw Self.refusal(error)
        }
    }

    private static func spacing(_ grid: VoxelGrid) -> ZYX<Double> {
        ZYX(z: grid.spacingZ, y: grid.spacingY, x: grid.spacingX)
    }

    private static func refusal(_ error: TIFFLayoutError) -> LabelWritingError {
        let reason =
            switch error {
            case .tooLarge(let limit): "the TIFF file would be longer than \(limit) bytes"
            case .invalidSpacing(let spacing):
                "TIFF cannot express a spacing of \(spacing.x), \(spacing.y), \(spacing.z) um"
            case .invalidShape(let width, let height, let depth):
                "TIFF cannot express a volume of \(width) x \(height) x \(depth)"
            default: "TIFF cannot hold this volume: \(error)"
            }
        return .request("\(reason); .npy and .zarr can hold it", cause: error)
    }

    /// `NAME.json` may only be replaced when it describes the same output. Another file of that name must not be lost, and a
    /// reader of another output must not take its spacing from this report.
    private func checkReport() throws(LabelWritingError) {
        let path = output.reportPath
        guard unsafe access(path, F_OK) == 0 else { return }
        let remedy = "remove it or choose another name"
        let found: JSONValue
        do {
            found = try JSONValue.parse(try readRegularFile(path, limit: LabelInput.maximumBytes))
        } catch {
            throw .request("\(path) exists and cannot be read: \(error); \(remedy)", cause: error)
        }
        guard found["format"]?.stringValue == LabelReport.format, let file = found["file"]?.stringValue else {
            throw .request("\(path) exists and was not written by neuronfs label: \(remedy)")
        }
        guard file == output.name else {
            throw .request("\(path) exists and describes \(file), not \(output.name): \(remedy)")
        }
    }
}

/// A skeleton and how it is drawn, on any grid.
private struct Drawing {
    let skeleton: Skeleton
    let markers: [Marker]
    let variant: LabelVariant
    let options: LabelOptions

    /// - Throws: a request error with the engine's reason.
    func source(in grid: VoxelGrid) throws(LabelWritingError) -> any LabelSource {
        do throws(LabelError) {
            return try variant.source(of: skeleton, markers: markers, in: grid, options: options)
        } catch {
            throw .request("\(error)", cause: error)
        }
    }

    /// The sections that the ids of `instance` name.
    func sections() throws(LabelWritingError) -> Sections {
        do throws(LabelError) {
            return try Sections(skeleton)
        } catch {
            throw .request("\(error)", cause: error)
        }
    }
}
