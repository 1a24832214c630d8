import ArgumentParser
import Support

struct FindCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "find",
        abstract: "Find cells by their properties.",
        discussion: """
            A cell must match every option. An option that is given twice matches either value. Exit code 1 when no cell
            matches. The table is for people; programs use --paths or --json.

            neuronfs find --structure VISp --layer 5 --dendrite-type spiny --trainable
            neuronfs find --species human --reconstruction full --paths | xargs neuronfs prefetch
            """)

    @Argument(
        help: "The mount point. (default: the mount of the working directory, else the first NeuronFS mount)",
        completion: .directory)
    var mountPoint: String?

    @Option(help: ArgumentHelp("mouse or human.", valueName: "species"), completion: .list(["mouse", "human"]))
    var species: [String] = []

    @Option(help: ArgumentHelp("Acronym of the structure or its parent: VISp, VISp5.", valueName: "acronym"))
    var structure: [String] = []

    @Option(help: ArgumentHelp("Cortical layer: 5, 2/3.", valueName: "layer"))
    var layer: [String] = []

    @Option(
        help: ArgumentHelp("spiny, aspiny or \"sparsely spiny\".", valueName: "type"),
        completion: .list(["spiny", "aspiny", "sparsely-spiny"]))
    var dendriteType: [String] = []

    @Option(help: ArgumentHelp("A part of the transgenic line's name: Rorb.", valueName: "text"))
    var line: [String] = []

    @Option(
        help: ArgumentHelp(
            "full or dendrite-only. The axon of a dendrite-only cell is not traced, and is background in its labels.",
            valueName: "type"))
    var reconstruction: [Reconstruction] = []

    @Flag(help: "Only cells with both images and a skeleton.")
    var trainable = false

    @Flag(
        help:
            "Only cells whose stack has no missing plane. The first time the mount asks the database for each cell's planes."
    )
    var complete = false

    @Flag(help: "Only the folders, one a line.")
    var paths = false

    @Flag(help: "As JSON.")
    var json = false

    /// The traced part of a neuron, in the database's words.
    enum Reconstruction: String, CaseIterable, ExpressibleByArgument {
        case full
        case dendriteOnly = "dendrite-only"
    }

    mutating func validate() throws {
        for name in species where FoundCell.species(named: name) == nil {
            throw ValidationError("--species is mouse or human, not \"\(name)\"")
        }
        guard !(paths && json) else { throw ValidationError("--paths and --json exclude each other") }
    }

    func run() throws {
        let mount = try MountChoice.path(mountPoint)
        let all = try FoundCell.all(in: mount)
        let found = all.filter(matches)
        // Last, because the mount must query the database for each cell.
        let cells = complete ? try found.filter { cell in try cell.isComplete() } : found
        if json {
            Output.line(JSONValue.array(cells.map(\.document)).text(.indented))
        } else if paths {
            for cell in cells { Output.line(cell.path) }
        } else {
            write(cells)
        }
        guard !cells.isEmpty else {
            let reason = filters.lazy.compactMap { $0.unknown(in: all) }.first
            throw Failure(sentence: "no cell matches" + (reason.map { ": \($0)" } ?? ""))
        }
    }

    private var filters: [CellFilter] {
        [
            CellFilter(option: "--species", wanted: species.compactMap(FoundCell.species(named:))) { [$0.species] },
            CellFilter(option: "--structure", wanted: structure) { [$0.structure, $0.parentStructure] },
            CellFilter(option: "--layer", wanted: layer) { [$0.layer] },
            CellFilter(option: "--dendrite-type", wanted: dendriteType) { [$0.dendriteType] },
            CellFilter(option: "--line", wanted: line, takesParts: true) { [$0.line] },
            CellFilter(option: "--reconstruction", wanted: reconstruction.map(\.rawValue)) { [$0.reconstruction] },
        ]
    }

    private func matches(_ cell: FoundCell) -> Bool {
        filters.allSatisfy { $0.matches(cell) }
            && (!trainable || cell.isTrainable)
    }

    private static let header = [
        "FOLDER", "STRUCTURE", "LAYER", "DENDRITES", "LINE", "RECONSTRUCTION", "IMAGES AND SKELETON",
    ]

    private func write(_ cells: [FoundCell]) {
        guard !cells.isEmpty else { return }
        let rows =
            [Self.header]
            + cells.map { cell in
                [
                    cell.path, cell.structure, cell.layer, cell.dendriteType, cell.line, cell.reconstruction,
                    cell.isTrainable ? "trainable" : "",
                ].map { $0.isEmpty ? "-" : OutsideText.line($0) }
            }
        let widths = Self.header.indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
        for row in rows {
            let cells = zip(row, widths).map { $0 + String(repeating: " ", count: $1 - $0.count) }
            var text = cells.joined(separator: "  ")
            while text.hasSuffix(" ") { text.removeLast() }
            Output.line(text)
        }
    }
}
