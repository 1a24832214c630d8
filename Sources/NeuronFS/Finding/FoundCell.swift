import Support

/// A cell of `cells.json` of a mount.
struct FoundCell {
    var id: Int
    /// `mouse` or `human`.
    var species: String
    /// Its folder.
    var path: String
    var name: String
    var structure: String
    var parentStructure: String
    var layer: String
    var dendriteType: String
    var line: String
    /// How much of the neuron is traced: `full` or `dendrite-only`; empty where the database has no value.
    var reconstruction: String
    /// Whether it has image planes.
    var hasImages: Bool
    /// Whether it has both images and a skeleton.
    var isTrainable: Bool

    /// The folder of a species, for a name that people or the database use.
    static func species(named name: String) -> String? {
        switch name.lowercased() {
        case "mouse", "mus musculus": "mouse"
        case "human", "homo sapiens": "human"
        default: nil
        }
    }

    /// All cells of the mount on `mount`.
    static func all(in mount: String) throws(Failure) -> [FoundCell] {
        let list: JSONValue
        do {
            list = try JSONValue.parse(try readWholeFile("\(mount)/cells.json"))
        } catch {
            throw Failure(sentence: "cannot read \(mount)/cells.json: \(error)")
        }
        var trainable: Set<String> = []
        for species in ["mouse", "human"] where Folder.isDirectory("\(mount)/trainable/\(species)") {
            trainable.formUnion(try Folder.names("\(mount)/trainable/\(species)"))
        }
        return (list.arrayValue ?? []).compactMap { row in
            guard let id = row["specimen__id"]?.intValue,
                let species = row["donor__species"]?.stringValue.flatMap({ species(named: $0) })
            else { return nil }
            func text(_ key: String) -> String { row[key]?.stringValue ?? "" }
            return FoundCell(
                id: id, species: species, path: "\(mount)/\(species)/\(id)", name: text("specimen__name"),
                structure: text("structure__acronym"), parentStructure: text("structure_parent__acronym"),
                layer: text("structure__layer"), dendriteType: text("tag__dendrite_type"), line: text("line_name"),
                reconstruction: text("nr__reconstruction_type"), hasImages: row["si__path"]?.stringValue != nil,
                isTrainable: trainable.contains(String(id)))
        }
    }

    /// Whether it has a stack without missing planes. `meta.json` has this, and the list of cells has not.
    func isComplete() throws(Failure) -> Bool {
        guard hasImages else { return false }
        let file = "\(path)/meta.json"
        do {
            let stack = try JSONValue.parse(try readWholeFile(file))["stack"]
            return stack?["missing_planes"]?.arrayValue?.isEmpty ?? false
        } catch {
            throw Failure(sentence: "cannot read \(file): \(error)")
        }
    }

    var document: JSONValue {
        [
            "id": .int(id), "path": .string(path), "name": .string(name), "species": .string(species),
            "structure": .string(structure), "parent_structure": .string(parentStructure), "layer": .string(layer),
            "dendrite_type": .string(dendriteType), "line": .string(line),
            "reconstruction": reconstruction.isEmpty ? .null : .string(reconstruction),
            "trainable": .bool(isTrainable),
        ]
    }
}
