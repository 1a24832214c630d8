import Layouts
import Morphology
import Support

/// The file beside a label volume: geometry, meaning of the values, parameters, and counts. The same input gives the same
/// bytes.
struct LabelReport {
    /// The value of member `format`.
    static let format = "neuronfs label 1"

    let job: LabelJob
    let skeleton: Skeleton
    let markers: [Marker]
    /// The grid of the volume.
    let grid: VoxelGrid
    /// How many voxels have each value; `nil` for fields.
    let counts: LabelCounts?
    /// The sections of `instance`.
    let sections: Sections?
    /// The levels of an OME-Zarr.
    let levels: [OMEZarrImage.Level]

    var bytes: [UInt8] { Array((JSONValue.object(document).text(.indented) + "\n").utf8) }

    private var document: JSONObject {
        var document: JSONObject = [
            "format": .string(Self.format),
            "file": .string(job.output.name),
            "stored_as": .string(job.output.format.rawValue),
            "variant": .string(job.variant.name),
            "label_rules": .int(LabelRules.version),
            "dtype": job.variant.bytesPerVoxel == 2 ? "uint16" : "uint8",
            "axes": ["z", "y", "x"],
            "shape": [.int(grid.depth), .int(grid.height), .int(grid.width)],
            "voxel_spacing_um": Self.spacing(grid),
            // The member that nnU-Net's reader of 3-D TIFFs looks for in NAME.json beside NAME.tif.
            "spacing": Self.spacing(grid),
            "first_voxel_centre_um": [.double(grid.z(0)), .double(grid.y(0)), .double(grid.x(0))],
            "level": .int(job.level),
            "spacing_from": .string(job.frame.spacingSource.text),
            "full_resolution": [
                "shape": [.int(job.frame.grid.depth), .int(job.frame.grid.height), .int(job.frame.grid.width)],
                "voxel_spacing_um": Self.spacing(job.frame.grid),
                "origin_voxels": [
                    .double(job.frame.grid.originZ), .double(job.frame.grid.originY), .double(job.frame.grid.originX),
                ],
            ],
        ]
        if !levels.isEmpty { document["levels"] = .array(levels.map(Self.describe)) }
        document["values"] = LabelMeaning(job.variant).values(job.options)
        document["background"] = "unlabelled is not proven background: one neuron is traced, others may be stained"
        document["geometry"] = .string(LabelMeaning(job.variant).geometry)
        document["parameters"] = .object(parameters)
        var described: JSONObject = ["file": .string(LabelOutput.lastComponent(job.skeletonPath))]
        for (name, value) in skeleton.findings.json.members { described[name] = value }
        described["bounds_um"] = [
            [.double(skeleton.bounds.z.lowerBound), .double(skeleton.bounds.z.upperBound)],
            [.double(skeleton.bounds.y.lowerBound), .double(skeleton.bounds.y.upperBound)],
            [.double(skeleton.bounds.x.lowerBound), .double(skeleton.bounds.x.upperBound)],
        ]
        document["skeleton"] = .object(described)
        if let path = job.markerPath {
            document["markers"] = [
                "file": .string(LabelOutput.lastComponent(path)), "count": .int(markers.count),
                "ignored_around": .int(
                    markers.count { marker in marker.kind == .cutDendrite || marker.kind == .noReconstruction }),
            ]
        }
        if let counts, sections == nil { document["voxels"] = counts.json }
        if let sections { document["sections"] = .array(sections.all.map(describe)) }
        return document
    }

    private var parameters: JSONObject {
        let options = job.options
        var parameters = JSONObject()
        if job.variant.isSampled { parameters["plane_sampling"] = .string(options.sampling.rawValue) }
        if job.variant != .centerline && job.variant != .nodes {
            parameters["soma_edge"] = .string(options.somaEdge.rawValue)
            parameters["radius_floor_um"] = .double(radiusFloor)
            parameters["overlap"] = job.variant == .distance ? "the nearest surface" : "the lowest value wins"
        }
        switch job.variant {
        case .distance: parameters["clip_um"] = .double(options.clip)
        case .nodes: parameters["sigma_um"] = .double(max(options.sigma, options.radiusFloor ? grid.halfDiagonal : 0))
        case .ignore:
            parameters["ignore_radius_um"] = .double(options.ignoreRadius)
            parameters["ignore_value"] = .int(Int(options.ignoreValue))
            parameters["overlap"] = "the ignore value wins, then the lowest value"
        default: break
        }
        return parameters
    }

    /// The floor the engine applies: half a voxel diagonal, in x and y alone for slabs.
    private var radiusFloor: Double {
        guard job.options.radiusFloor else { return 0 }
        guard job.options.sampling == .slab else { return grid.halfDiagonal }
        return 0.5 * (grid.spacingX * grid.spacingX + grid.spacingY * grid.spacingY).squareRoot()
    }

    private static func spacing(_ grid: VoxelGrid) -> JSONValue {
        [.double(grid.spacingZ), .double(grid.spacingY), .double(grid.spacingX)]
    }

    private static func describe(_ level: OMEZarrImage.Level) -> JSONValue {
        [
            "shape": .array(level.array.shape.array.map(JSONValue.int)),
            "voxel_spacing_um": .array(level.scale.array.map(JSONValue.double)),
            "first_voxel_centre_um": .array(level.translation.array.map(JSONValue.double)),
        ]
    }

    private func describe(_ section: Sections.Section) -> JSONValue {
        var row: JSONObject = [
            "id": .int(Int(section.id)), "class": .int(Int(section.compartment.rawValue)),
            "parent": .int(Int(section.parent)), "length_um": .double((section.length * 1000).rounded() / 1000),
            "nodes": .int(section.nodeCount),
        ]
        if let counts { row["voxels"] = .int(counts.count(section.id)) }
        return .object(row)
    }
}
