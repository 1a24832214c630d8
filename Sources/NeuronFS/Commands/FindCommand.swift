import ArgumentParser
import Support

struct FindCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "find",
        abstract: "Find cells by what the database says of them.",
        discussion: """
            Every option narrows the search; an option that is given twice takes either value. Exit code 1 when no cell
            matches.

            neuronfs find --structure VISp --layer 5 --dendrite-type spiny --trainable
            neuronfs find --species human --paths | xargs neuronfs prefetch
            """)

    @Argument(help: "The mount point; the first NeuronFS mount without it.", completion: .directory)
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

    @Flag(help: "Only cells with both images and a skeleton.")
    var trainable = false

    @Flag(help: "Only the folders, one a line.")
    var paths = false

    @Flag(help: "As JSON.")
    var json = false

    mutating func validate() throws {
        for name in species where FoundCell.species(named: name) == nil {
            throw ValidationError("--species is mouse or human, not \"\(name)\"")
        }
        guard !(paths && json) else { throw ValidationError("--paths and --json exclude each other") }
    }

    func run() throws {
        let mount = try MountChoice.path(mountPoint)
        let cells = try FoundCell.all(in: mount).filter(matches)
        if json {
            Output.line(JSONValue.array(cells.map(\.document)).text(.indented))
        } else if paths {
            for cell in cells { Output.line(cell.path) }
        } else {
            write(cells)
        }
        guard !cells.isEmpty else { throw Failure(sentence: "no cell matches") }
    }

    private func matches(_ cell: FoundCell) -> Bool {
        func any(_ wanted: [String], _ isMatch: (String) -> Bool) -> Bool {
            wanted.isEmpty || wanted.contains(where: isMatch)
        }
        let structures = [cell.structure.lowercased(), cell.parentStructure.lowercased()]
        return any(species) { FoundCell.species(named: $0) == cell.species }
            && any(structure) { structures.contains($0.lowercased()) }
            && any(layer) { cell.layer.lowercased() == $0.lowercased() }
            && any(dendriteType) { Self.plain(cell.dendriteType) == Self.plain($0) }
            && any(line) { cell.line.lowercased().contains($0.lowercased()) }
            && (!trainable || cell.isTrainable)
    }

    /// Folders write "sparsely-spiny" where the database has "sparsely spiny".
    private static func plain(_ text: String) -> String {
        text.lowercased().replacing("-", with: " ").replacing("_", with: " ")
    }

    private func write(_ cells: [FoundCell]) {
        let rows = cells.map { cell in
            [
                cell.path, cell.structure, cell.layer, cell.dendriteType, cell.line,
                cell.isTrainable ? "trainable" : "",
            ].map { $0.isEmpty ? "-" : OutsideText.line($0) }
        }
        let widths = (0..<6).map { column in rows.map { $0[column].count }.max() ?? 0 }
        for row in rows {
            let cells = zip(row, widths).map { $0 + String(repeating: " ", count: $1 - $0.count) }
            var text = cells.joined(separator: "  ")
            while text.hasSuffix(" ") { text.removeLast() }
            Output.line(text)
        }
    }
}
