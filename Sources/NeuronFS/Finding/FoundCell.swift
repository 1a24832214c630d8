import FileTree
import Support

/// A cell of a mount.
struct FoundCell {
    var id: Int
    /// `mouse` or `human`; empty where a folder does not say it.
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

    /// All cells of the mount on `mount`: those of the database, then those of folders.
    static func all(in mount: String) throws(Failure) -> [FoundCell] {
        var trainable: Set<String> = []
        for collection in try Folder.names("\(mount)/trainable") {
            for name in try Folder.names("\(mount)/trainable/\(collection)") {
                trainable.insert("\(mount)/\(collection)/\(name)")
            }
        }
        return try ofDatabase(mount, trainable) + ofFolders(mount, trainable)
    }

    private static func ofDatabase(_ mount: String, _ trainable: Set<String>) throws(Failure) -> [FoundCell] {
        (try document("\(mount)/cells.json").arrayValue ?? []).compactMap { row in
            guard let id = row["specimen__id"]?.intValue,
                let species = row["donor__species"]?.stringValue.flatMap({ species(named: $0) })
            else { return nil }
            let path = "\(mount)/\(species)/\(id)"
            return FoundCell(
                row, id: id, species: species, path: path, hasImages: row["si__path"]?.stringValue != nil,
                isTrainable: trainable.contains(path))
        }
    }

    /// Their rows stand in their meta.json, because cells.json is the database's alone.
    private static func ofFolders(_ mount: String, _ trainable: Set<String>) throws(Failure) -> [FoundCell] {
        var cells: [FoundCell] = []
        for collection in try Folder.names(mount) where !TopNames.reserved.contains(collection) {
            for name in try Folder.names("\(mount)/\(collection)") {
                let path = "\(mount)/\(collection)/\(name)"
                let meta = try document("\(path)/meta.json")
                cells.append(
                    FoundCell(
                        meta["catalogue"] ?? .null, id: meta["specimen_id"]?.intValue ?? 0,
                        species: meta["species"]?.stringValue ?? "", path: path, hasImages: meta["stack"] != nil,
                        isTrainable: trainable.contains(path)))
            }
        }
        return cells
    }

    private static func document(_ path: String) throws(Failure) -> JSONValue {
        do {
            return try JSONValue.parse(try readWholeFile(path))
        } catch {
            throw Failure(sentence: "cannot read \(path): \(error)")
        }
    }

    /// - Parameter row: of the list of cells.
    private init(_ row: JSONValue, id: Int, species: String, path: String, hasImages: Bool, isTrainable: Bool) {
        func text(_ key: String) -> String { row[key]?.stringValue ?? "" }
        self.id = id
        self.species = species
        self.path = path
        name = text("specimen__name")
        structure = text("structure__acronym")
        parentStructure = text("structure_parent__acronym")
        layer = text("structure__layer")
        dendriteType = text("tag__dendrite_type")
        line = text("line_name")
        reconstruction = text("nr__reconstruction_type")
        self.hasImages = hasImages
        self.isTrainable = isTrainable
    }

    /// Whether it has a stack without missing planes. `meta.json` has this, and the list of cells has not.
    func isComplete() throws(Failure) -> Bool {
        guard hasImages else { return false }
        return try Self.document("\(path)/meta.json")["stack"]?["missing_planes"]?.arrayValue?.isEmpty ?? false
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
