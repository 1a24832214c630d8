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
    /// Somata drawn as outlines (`SomaForms`), whose area is filled.
    public var outlinedSomata = 0
    /// Nodes of those.
    public var outlineNodes = 0
    /// Soma nodes, where a file has four or more outside of outlines and each has a radius below 0.1 um: points around a
    /// soma in an order that is not recognised. Else 0.
    public var thinSomaNodes = 0
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
        if outlinedSomata > 0 {
            let somata =
                outlinedSomata == 1 ? "a soma is drawn as an outline" : "\(outlinedSomata) somata are drawn as outlines"
            warnings.append(
                "\(somata) of \(outlineNodes) nodes: the area is filled in its plane, and nothing above or below")
        }
        if thinSomaNodes > 0 {
            warnings.append(
                "all \(thinSomaNodes) soma nodes have radii near 0 and form no closed line: the soma is drawn as thin lines"
            )
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
            "outlined_somata": .int(outlinedSomata), "outline_nodes": .int(outlineNodes),
            "thin_soma_nodes": .int(thinSomaNodes), "units": .string(units),
            "units_from": .string(unitsSource.rawValue),
        ]
        if let offset { json["offset_added"] = [.double(offset.x), .double(offset.y), .double(offset.z)] }
        json["warnings"] = .array(warnings.map(JSONValue.string))
        return json
    }
}
