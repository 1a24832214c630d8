import Glibc
import Layouts
import Morphology
import Support

/// One run of `neuronfs label`: reads the skeleton, draws it, writes the volume and its description.
struct LabelJob {
    let skeletonPath: String
    let markerPath: String?
    /// `nil` for those that the skeleton's header states, else um.
    let units: SkeletonUnits?
    let kind: LabelKind
    let options: LabelOptions
    /// The image at full resolution.
    let frame: VoxelGrid
    /// Where the size of a voxel comes from.
    let spacingSource: SpacingSource
    /// The pyramid level written.
    let level: Int
    /// Whether a skeleton that leaves the frame is drawn all the same.
    let drawsMisfits: Bool
    let output: LabelOutput
    let quiet: Bool

    /// - Throws: `Failure` 2 when the input, an option or the output's place is at fault, 1 when writing fails, 130 when
    ///   interrupted.
    func run() throws(Failure) {
        // Ctrl-C between two planes, so that no half of a volume stays behind.
        _ = Signals.blockEnding()
        let skeleton = try LabelInput.skeleton(
            skeletonPath, units: units, grid: frame, drawsMisfits: drawsMisfits)
        var markers: [Marker] = []
        if let markerPath {
            markers = try LabelInput.markers(markerPath, scale: skeleton.findings.scale, grid: frame)
        }
        try checkReport()
        for warning in skeleton.findings.warnings { Output.error("warning: \(skeletonPath): \(warning)") }

        let drawing = Drawing(skeleton: skeleton, markers: markers, variant: kind.variant, options: options)
        let grid = frame.level(level)
        let source = try drawing.source(in: grid)
        let sections = kind == .instance ? try drawing.sections() : nil
        let counts = kind == .distance || kind == .nodes ? nil : LabelCounts(source)
        let levels = try write(source, drawing)
        let report = LabelReport(
            job: self, skeleton: skeleton, markers: markers, grid: grid, counts: counts, sections: sections,
            levels: levels)
        do throws(Errno) {
            try writeFileAtomically(report.bytes, to: output.reportPath)
        } catch {
            throw Failure(sentence: "cannot write \(output.reportPath): \(error)")
        }
        guard !quiet else { return }
        let what = "\(grid.depth) x \(grid.height) x \(grid.width) (z, y, x) voxels, variant \(kind.rawValue)"
        let labelled = counts.map { ", \($0.total) labelled" } ?? ""
        Output.line("\(output.path): \(what)\(labelled)" + assumptions(skeleton.findings))
    }

    /// What the summary adds where a number was not given on the command line.
    private func assumptions(_ findings: SkeletonFindings) -> String {
        var text = ""
        if spacingSource == .assumed {
            text +=
                "; no --spacing: the Allen stacks' \(frame.spacingX), \(frame.spacingY), \(frame.spacingZ) um assumed"
        }
        if findings.unitsSource == .header { text += "; units \(findings.units), as the skeleton's header states" }
        if let offset = findings.offset {
            text += "; OFFSET \(offset.x), \(offset.y), \(offset.z) of the skeleton's header added"
        }
        return text
    }

    /// Writes the volume; returns the levels of an OME-Zarr.
    private func write(_ source: any LabelSource, _ drawing: Drawing) throws(Failure) -> [OMEZarrImage.Level] {
        let grid = source.grid
        let zarr = output.format == .zarr ? try ZarrWriter(grid: grid, kind: kind, name: output.name) : nil
        var progress = LabelProgress(
            total: zarr?.chunkCount ?? grid.depth, unit: zarr == nil ? "planes" : "chunks", quiet: quiet)
        defer { progress.end() }
        let spacing = ZYX(z: grid.spacingZ, y: grid.spacingY, x: grid.spacingX)
        let bits = 8 * source.bytesPerVoxel
        do {
            switch output.format {
            case .zarr:
                guard let zarr else { return [] }
                try zarr.write(source, to: output.path, progress: &progress) { grid throws(Failure) in
                    try drawing.source(in: grid)
                }
                return zarr.levels
            case .npy:
                var writer = VolumeWriter(source)
                try writer.writeArray(to: output.path, progress: &progress)
            case .volume:
                let layout = try VolumeTIFF(
                    width: grid.width, height: grid.height, depth: grid.depth, bitsPerSample: bits, spacing: spacing,
                    description: LabelRules.tiffDescription(of: kind.variant))
                var writer = VolumeWriter(source)
                try writer.writeVolume(layout, to: output.path, progress: &progress)
            case .planes:
                let layout = try PlaneTIFF(
                    width: grid.width, height: grid.height, bitsPerSample: bits, spacing: spacing,
                    description: LabelRules.tiffDescription(of: kind.variant))
                var writer = VolumeWriter(source)
                try writer.writePlaneFiles(layout, to: output.path, progress: &progress)
            }
        } catch let failure as Failure {
            throw failure
        } catch let error as TIFFLayoutError {
            throw Failure(sentence: "\(Self.sentence(error)); .npy and .zarr can hold it", code: 2)
        } catch {
            throw Failure(sentence: "cannot write \(output.path): \(error)")
        }
        return []
    }

    /// `NAME.json` may only be replaced when it describes the same output: what else is there must not be lost, and a reader
    /// of another output must not take this one's spacing for its own.
    private func checkReport() throws(Failure) {
        let path = output.reportPath
        guard unsafe access(path, F_OK) == 0 else { return }
        let remedy = "remove it or choose another name"
        let found: JSONValue
        do {
            found = try JSONValue.parse(try readRegularFile(path, limit: LabelInput.maximumBytes))
        } catch {
            throw Failure(sentence: "\(path) exists and cannot be read: \(error); \(remedy)", code: 2)
        }
        guard found["format"]?.stringValue == LabelReport.format, let file = found["file"]?.stringValue else {
            throw Failure(sentence: "\(path) exists and was not written by neuronfs label: \(remedy)", code: 2)
        }
        guard file == output.name else {
            throw Failure(sentence: "\(path) exists and describes \(file), not \(output.name): \(remedy)", code: 2)
        }
    }

    private static func sentence(_ error: TIFFLayoutError) -> String {
        switch error {
        case .tooLarge(let limit): "the TIFF file would be longer than \(limit) bytes"
        case .invalidSpacing(let spacing):
            "TIFF cannot express a spacing of \(spacing.x), \(spacing.y), \(spacing.z) um"
        case .invalidShape(let width, let height, let depth):
            "TIFF cannot express a volume of \(width) x \(height) x \(depth)"
        default: "no TIFF can be laid out: \(error)"
        }
    }
}

/// A skeleton and how it is drawn, on any grid.
struct Drawing {
    let skeleton: Skeleton
    let markers: [Marker]
    let variant: LabelVariant
    let options: LabelOptions

    /// - Throws: `Failure` 2 with the engine's reason.
    func source(in grid: VoxelGrid) throws(Failure) -> any LabelSource {
        do throws(LabelError) {
            return try variant.source(of: skeleton, markers: markers, in: grid, options: options)
        } catch {
            throw Failure(sentence: "\(error)", code: 2)
        }
    }

    /// The sections that the ids of `instance` name.
    func sections() throws(Failure) -> Sections {
        do throws(LabelError) {
            return try Sections(skeleton)
        } catch {
            throw Failure(sentence: "\(error)", code: 2)
        }
    }
}
