import ArgumentParser
import LabelWriting
import Morphology

struct LabelCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "label",
        abstract: "Make a label volume from a skeleton of your own, without a mount.",
        discussion: """
            neuronfs label cell.swc --like stack.tif -o labels.tif
            neuronfs label cell.swc --shape 2048,2048,128 --spacing 0.2,0.2,0.5 -o labels.ome.zarr

            The name sets the format: NAME.tif one BigTIFF, NAME.npy a NumPy
            array, NAME.zarr an OME-Zarr directory, NAME/ a directory of planes
            0000.tif, 0001.tif, ... NAME.json beside it has the parameters and the
            meaning of the values. The centre of voxel (0, 0, 0) is the origin of the
            skeleton's coordinates, unless --origin moves it.
            """)

    @Argument(help: ArgumentHelp("The skeleton, an SWC file.", valueName: "swc"))
    var skeleton: String

    @Option(
        help: ArgumentHelp(
            "The image that the labels are for, a TIFF or a Zarr. It gives shape, spacing and origin.",
            valueName: "file"))
    var like: String?

    @Option(help: ArgumentHelp("Columns, rows and planes of the image.", valueName: "x,y,z"))
    var shape: VoxelShape?

    @Option(
        help: ArgumentHelp(
            "Size of a voxel, um (default without --like: that of the Allen stacks, 0.1144,0.1144,0.28).",
            valueName: "x,y,z"))
    var spacing: AxisNumbers?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "Position of voxel (0, 0, 0) in the skeleton's frame, in voxels (default: 0,0,0).", valueName: "x,y,z"))
    var origin: AxisNumbers?

    @Option(
        help: ArgumentHelp(
            """
            Units of the skeleton: um, nm or px (columns, rows and planes, radii in columns; default: those that its \
            header states, else um).
            """, valueName: "unit"))
    var units: LengthUnit?

    @Option(help: "The meaning of the values; docs/LABELS.md has a picture of each.")
    var variant = VariantName(.classes)

    @Option(
        help: ArgumentHelp(
            "A marker file (x,y,z,radius,shape,name; voxels counted from 1), for --variant ignore.", valueName: "file"))
    var markers: String?

    @Option(help: ArgumentHelp("Columns and rows 2^n times as large; an OME-Zarr begins there.", valueName: "n"))
    var level = 0

    @Flag(help: "Label a voxel when the neuron touches its plane's thickness at its centre in x and y.")
    var slab = false

    @Flag(help: "Draw the edge from the soma as a cone from the soma's full radius.")
    var taper = false

    @Flag(help: "Leave radii below half a voxel diagonal as they are: thin neurites then break up.")
    var noFloor = false

    @Option(
        help: ArgumentHelp("--variant distance: distance at which the value saturates (default: 2).", valueName: "um"))
    var clip: Double?

    @Option(help: ArgumentHelp("--variant nodes: standard deviation of a peak (default: 0.5).", valueName: "um"))
    var sigma: Double?

    @Option(
        help: ArgumentHelp("--variant ignore: radius around markers 10 and 20 (default: 5).", valueName: "um"))
    var ignoreRadius: Double?

    @Option(
        help: ArgumentHelp("--variant ignore: the value of ignored voxels, 1 to 255 (default: 255).", valueName: "n"))
    var ignoreValue: UInt8?

    @Flag(help: "Draw a skeleton that does not fit the image, as far as it is inside.")
    var force = false

    @Flag(help: "No progress and no summary.")
    var quiet = false

    @Option(name: [.short, .long], help: ArgumentHelp("NAME.tif, NAME.npy, NAME.zarr or NAME/.", valueName: "name"))
    var output: String

    func validate() throws {
        // The grid has limits of its own, at the level that is written. These keep its arithmetic from overflowing.
        let sides = 1...Int(Int32.max)
        guard shape != nil || like != nil else {
            throw ValidationError("--shape, or --like with the image that the labels are for, is missing")
        }
        if let shape, ![shape.xyz.x, shape.xyz.y, shape.xyz.z].allSatisfy(sides.contains) {
            throw ValidationError("--shape is three numbers from 1 to \(sides.upperBound)")
        }
        if let spacing, spacing.xyz.min() <= 0 {
            throw ValidationError("--spacing is three numbers above 0")
        }
        guard (0...15).contains(level) else { throw ValidationError("--level is 0 to 15") }
        guard LabelOutput.format(of: output) != nil else {
            throw ValidationError("-o is NAME.tif, NAME.npy, NAME.zarr, a name that ends in / or a directory")
        }
        let kind = variant.variant
        try refuse("--slab", given: slab, unless: kind.isSampled)
        try refuse("--taper", given: taper, unless: kind != .centerline && kind != .nodes)
        try refuse("--no-floor", given: noFloor, unless: kind != .centerline)
        try refuse("--clip", given: clip != nil, unless: kind == .distance)
        try refuse("--sigma", given: sigma != nil, unless: kind == .nodes)
        try refuse("--markers", given: markers != nil, unless: kind == .ignore)
        try refuse("--ignore-radius", given: ignoreRadius != nil, unless: kind == .ignore)
        try refuse("--ignore-value", given: ignoreValue != nil, unless: kind == .ignore)
        guard kind != .ignore || markers != nil else {
            throw ValidationError("--variant ignore needs --markers; /dev/null is a file without markers")
        }
    }

    /// An option without effect is a misunderstanding, so it is refused.
    private func refuse(_ option: String, given: Bool, unless allowed: Bool) throws {
        guard !given || allowed else {
            throw ValidationError("\(option) means nothing for --variant \(variant.variant.name)")
        }
    }

    func run() throws {
        var options = LabelOptions()
        if slab { options.sampling = .slab }
        if taper { options.somaEdge = .taper }
        options.radiusFloor = !noFloor
        if let clip { options.clip = clip }
        if let sigma { options.sigma = sigma }
        if let ignoreRadius { options.ignoreRadius = ignoreRadius }
        if let ignoreValue { options.ignoreValue = ignoreValue }
        do throws(LabelWritingError) {
            let frame = try LabelFrame(shape: shape?.xyz, spacing: spacing?.xyz, origin: origin?.xyz, like: like)
            let output = try LabelOutput(output)
            let outcome = try run(
                LabelJob(
                    skeletonPath: skeleton, markerPath: markers, units: units, variant: variant.variant,
                    options: options,
                    frame: frame, level: level, drawsMisfits: force, output: output))
            if !quiet { Output.line("\(output.path): " + summary(outcome, frame)) }
        } catch {
            throw Failure(error)
        }
    }

    /// Runs the job with a progress bar. Ctrl-C ends it between two planes, so that no half of a volume stays behind.
    private func run(_ job: LabelJob) throws(LabelWritingError) -> LabelJob.Outcome {
        _ = Signals.blockEnding()
        var bar: ProgressBar?
        defer { bar?.end() }
        return try job.run(warn: { Output.error("warning: \($0)") }) { [quiet] progress in
            if progress.done == 0 {
                bar = ProgressBar(total: progress.total, unit: progress.unit.rawValue, quiet: quiet)
            } else {
                bar?.advance(to: progress.done)
            }
            return !Signals.endingIsPending
        }
    }

    /// What was written, with the numbers that the command line does not give.
    private func summary(_ outcome: LabelJob.Outcome, _ frame: LabelFrame) -> String {
        let grid = outcome.grid
        var text = "\(grid.depth) x \(grid.height) x \(grid.width) (z, y, x) voxels, variant \(variant.variant.name)"
        if let labelled = outcome.labelled { text += ", \(labelled) labelled" }
        if frame.spacingSource == .assumed {
            let full = frame.grid
            text +=
                "; no --spacing: the Allen stacks' \(full.spacingX), \(full.spacingY), \(full.spacingZ) um assumed"
        }
        let findings = outcome.findings
        if findings.unitsSource == .header { text += "; units \(findings.units), as the skeleton's header states" }
        if let offset = findings.offset {
            text += "; OFFSET \(offset.x), \(offset.y), \(offset.z) of the skeleton's header added"
        }
        return text
    }
}

extension Failure {
    /// The end of `neuronfs label`. A job that a signal stopped ends with 130, as a shell reports Ctrl-C.
    fileprivate init(_ error: LabelWritingError) {
        let code: Int32 =
            switch error.kind {
            case .request: 2
            case .output: 1
            case .stopped: 130
            }
        self.init(sentence: error.description, code: code)
    }
}
