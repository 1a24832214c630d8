package import Support

/// What was found in a skeleton file, and how the file was read. The report of a label volume contains it.
public struct SkeletonFindings: Sendable, Hashable {
    /// The origin of the units.
    public enum UnitsSource: String, Sendable, Hashable {
        /// Neither file nor caller states units: micrometres.
        case assumed
        /// A comment of the file.
        case header
        /// The caller, whatever the file states.
        case asked
    }

    /// Nodes of the file.
    public var nodes = 0
    /// Nodes without a parent: the soma and, in one database file of six, the roots of disconnected pieces.
    public var roots = 0
    /// Nodes whose parent is not in the file; they are roots.
    public var missingParents = 0
    /// Nodes of type 5 or 6 that took the class of another node (`CompartmentRule`).
    public var inferredClasses = 0
    /// Nodes of unknown class.
    public var unknownClasses = 0
    /// Comments that end in the columns of a node: a header without its line end hides the node behind it.
    public var nodesInComments = 0
    /// Somata of three points, each read as one ball (`SomaForms`).
    public var threePointSomata = 0
    /// Somata drawn as outlines (`SomaForms`), whose area is filled.
    public var outlinedSomata = 0
    /// Nodes of the outlined somata.
    public var outlineNodes = 0
    /// Soma nodes outside of outlines, when a file has four or more of them and each has a radius below 0.1 um; else 0.
    /// Such nodes are points around a soma in an order that is not recognised.
    public var thinSomaNodes = 0
    /// The units of the numbers: `um`, `nm`, `mm` or `px`, or a multiple such as `8 nm`.
    public var units = "um"
    /// The origin of `units`.
    public var unitsSource = UnitsSource.assumed
    /// um of one unit along x, y and z.
    public var scale = SIMD3<Double>(repeating: 1)
    /// The `OFFSET` of the header, which is added to every node, in the units of the file.
    public var offset: SIMD3<Double>?
    /// Warnings about statements of the header that are not applied.
    public var unfollowed: [String] = []

    /// Empty findings.
    public init() {}

    /// Warnings that a user should read before using the labels. Most files have none.
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
    package var json: JSONObject {
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
