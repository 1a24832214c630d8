public import Support

/// What was found in a skeleton file, and how it was read: what the report of a label volume says of it.
public struct SkeletonFindings: Sendable, Hashable {
    /// Where the units of the numbers come from.
    public enum UnitsSource: String, Sendable, Hashable {
        /// Nobody says: micrometres.
        case assumed
        /// A comment of the file.
        case header
        /// The caller, whatever the file says.
        case asked
    }

    /// Nodes of the file.
    public var nodes = 0
    /// Nodes without a parent: the soma and, in one database file of six, disconnected pieces.
    public var roots = 0
    /// Nodes whose parent is not in the file; they are roots.
    public var missingParents = 0
    /// Nodes of type 5 or 6 that have the class of a neighbour (`CompartmentRule`).
    public var inferredClasses = 0
    /// Nodes of unknown class.
    public var unknownClasses = 0
    /// Comments that end in the columns of a node: a header without its line end swallows the node behind it.
    public var nodesInComments = 0
    /// Somata of three points, each read as one ball (`SomaForms`).
    public var threePointSomata = 0
    /// How many nodes each soma has that is drawn as an outline (`SomaForms`).
    public var outlinedSomata: [Int] = []
    /// What the numbers are measured in: `um`, `nm`, `mm` or `px`, or a multiple such as `8 nm`.
    public var units = "um"
    /// Where `units` comes from.
    public var unitsSource = UnitsSource.assumed
    /// um of one unit along x, y and z.
    public var scale = SIMD3<Double>(repeating: 1)
    /// What the header's `OFFSET` adds to every node, in the file's units.
    public var offset: SIMD3<Double>?
    /// Sentences on what the header says and the reader does not follow.
    public var unfollowed: [String] = []

    /// Nothing found.
    public init() {}

    /// Sentences a person should read before using the labels; none for most files.
    public var warnings: [String] {
        var warnings = unfollowed
        for count in outlinedSomata {
            warnings.append(
                "a soma is drawn as an outline of \(count) nodes: its area is filled in its plane, and nothing above or "
                    + "below")
        }
        if missingParents > 0 {
            warnings.append(
                "\(missingParents) \(missingParents == 1 ? "node names a parent" : "nodes name parents") that the file does "
                    + "not hold: each begins a piece of its own")
        }
        if nodesInComments > 0 {
            warnings.append(
                "\(nodesInComments) comment \(nodesInComments == 1 ? "line ends" : "lines end") in the seven columns of a "
                    + "node, which is left out: a line end may be missing")
        }
        return warnings
    }

    /// The findings as members of a JSON object.
    public var json: JSONObject {
        var json: JSONObject = [
            "nodes": .int(nodes), "roots": .int(roots), "parents_not_in_file": .int(missingParents),
            "inferred_classes": .int(inferredClasses), "unknown_classes": .int(unknownClasses),
            "nodes_in_comments": .int(nodesInComments), "three_point_somata": .int(threePointSomata),
            "outlined_somata": .array(outlinedSomata.map(JSONValue.int)), "units": .string(units),
            "units_from": .string(unitsSource.rawValue),
        ]
        if let offset { json["offset_added"] = [.double(offset.x), .double(offset.y), .double(offset.z)] }
        json["warnings"] = .array(warnings.map(JSONValue.string))
        return json
    }
}
