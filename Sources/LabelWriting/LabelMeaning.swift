import Layouts
import Morphology
import Support

/// The meaning of the values of a variant, for people and for OME-Zarr viewers.
struct LabelMeaning {
    private let variant: LabelVariant

    init(_ variant: LabelVariant) { self.variant = variant }

    /// The `image-label` metadata; `nil` for the fields, which are no labels in the sense of OME-NGFF.
    func imageLabel() throws(OMEZarrError) -> ImageLabel? {
        switch variant {
        case .distance, .nodes: nil
        default:
            try ImageLabel(
                classes: variant.classes.map { ImageLabel.Class(value: $0.value, name: $0.name, color: $0.color) },
                source: nil)
        }
    }

    /// Value by value, or in words.
    func values(_ options: LabelOptions) -> JSONValue {
        var values: JSONObject = ["0": "background"]
        for item in variant.classes { values[String(item.value)] = .string(item.name) }
        switch variant {
        case .ignore:
            let ignored = "ignore: not traced, or of unknown class"
            let key = String(options.ignoreValue)
            values[key] = .string(values[key]?.stringValue.map { "\($0), and \(ignored)" } ?? ignored)
        case .instance: values["1..65535"] = "id of a neurite section, see sections"
        case .distance:
            values["0"] = .string("\(options.clip) um or more outside")
            values["127"] = "just outside"
            values["128"] = "on the surface, inside"
            values["255"] = .string("\(options.clip) um or more inside")
        case .nodes:
            values["1..255"] = .string(
                "round(255 exp(-d^2 / (2 sigma^2))), d um the distance to the nearest soma, tip or branch point")
        default: break
        }
        return .object(values)
    }

    /// The rule by which a voxel is labelled.
    var geometry: String {
        switch variant {
        case .centerline: "one 26-connected line of voxels an edge, between the voxels nearest to its nodes"
        case .nodes: "gaussian peaks at somata, tips and branch points; the greatest wins"
        default:
            "union of exact rounded cones over all edges and a ball at each root; inside means a signed distance of at most "
                + "1e-6 um"
        }
    }
}
