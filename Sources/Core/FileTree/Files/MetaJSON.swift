internal import Fetch
internal import Layouts
internal import Morphology
internal import Specimens
internal import Support
internal import Volumes

/// `meta.json` of a specimen: every catalogue field, the geometry of the stack, how skeleton and image fit together,
/// what was found in the skeleton, what the labels mean, and where everything comes from. Two mounts of one version of
/// the database give the same bytes.
struct MetaJSON {
    let context: SpecimenContext
    /// What reading the skeleton shows; `nil` for a cell without one.
    let reading: SkeletonService.Reading?
    let mainVariant: LabelVariant

    var bytes: [UInt8] { Array((JSONValue.object(document).text(.indented) + "\n").utf8) }

    private var document: JSONObject {
        var document: JSONObject = [
            "format": "neuronfs meta 1",
            "specimen_id": .int(context.id),
            "species": context.specimen.species.map { .string($0.rawValue) } ?? .null,
            "catalogue": .object(context.specimen.row),
        ]
        if let stack = context.stack { document["stack"] = .object(describe(stack)) }
        if context.specimen.hasSkeleton { document["skeleton"] = .object(skeleton) }
        if context.hasLabels { document["labels"] = .object(labels) }
        document["projections"] = .array(context.objects.projections.map(\.projection).map { .object(describe($0)) })
        document["provenance"] = .object(context.objects.provenance)
        return document
    }

    private func describe(_ stack: ImageStack) -> JSONObject {
        let missing = (0..<stack.depth).filter { stack.plane(at: $0) == nil }
        let gaps = context.gaps.sorted()
        return [
            "axes": ["z", "y", "x"],
            "shape": [.int(stack.depth), .int(stack.height), .int(stack.width)],
            "dtype": .string("uint\(stack.bits)"),
            "photometric": .string(context.objects.imageOrigin.photometric),
            "voxel_spacing_um": [.double(spacing.z), .double(spacing.y), .double(spacing.x)],
            "full_frame_px": [.int(stack.frameHeight), .int(stack.frameWidth)],
            "offset_in_full_frame_px": [.int(stack.y), .int(stack.x)],
            "first_section_number": .int(stack.firstSection),
            "plane_of_section": "section_number - first_section_number",
            "missing_planes": .array(missing.map { .int($0) }),
            "missing_planes_note":
                "no file in stack/ and labels*/: take a plane's index from its name, not from its place in a sorted list",
            "planes_without_image": .array(gaps.map { .int($0) }),
            "planes_without_image_note":
                """
            missing planes, and planes of another place or size than the stack; 0 in stack.tif and stack.npy, \
            absent from stack.ome.zarr
            """,
            "planes": .array(
                stack.planes.map { plane in
                    [
                        "index": .int(stack.index(of: plane)), "section_number": .int(plane.sectionNumber),
                        "image_id": .int(plane.imageID), "shape": [.int(plane.height), .int(plane.width)],
                    ]
                }),
            "lossy": context.objects.imageOrigin.lossy.map { .string($0) } ?? .null,
        ]
    }

    /// Distance of two voxels, um.
    private var spacing: ZYX<Double> { context.spacing }

    private var skeleton: JSONObject {
        var skeleton = skeletonFrame
        switch reading {
        case .read(let findings, let misfit):
            skeleton["findings"] = .object(findings.json)
            skeleton["refused"] = misfit.map(JSONValue.string) ?? .null
        case .malformed(let error): skeleton["refused"] = .string("\(error)")
        case nil: break
        }
        return skeleton
    }

    private var skeletonFrame: JSONObject {
        [
            "file": "skeleton.swc",
            "marker_file": context.objects.marker == nil ? .null : "skeleton.marker",
            "units": .string((context.objects.skeletonUnits ?? .um).rawValue),
            "origin": "centre of pixel (0, 0) of the full frame; z = 0 is plane 0",
            "to_voxel": [
                "description": .string(
                    "i = x / \(spacing.x) - offset_x, j = y / \(spacing.y) - offset_y, k = z / \(spacing.z)"),
                "matrix_um_to_voxel_xyz": matrix,
            ],
            "marker_to_skeleton_um": [.double(-spacing.x), .double(-spacing.y), .double(-spacing.z)],
        ]
    }

    /// Homogeneous 3 x 4 matrix from (x, y, z, 1) um to voxel (i, j, k), rows i, j, k.
    private var matrix: JSONValue {
        let x = Double(context.stack?.x ?? 0)
        let y = Double(context.stack?.y ?? 0)
        return [
            [.double(1 / spacing.x), .double(0), .double(0), .double(-x)],
            [.double(0), .double(1 / spacing.y), .double(0), .double(-y)],
            [.double(0), .double(0), .double(1 / spacing.z), .double(0)],
        ]
    }

    private var labels: JSONObject {
        let grid = context.stackGrid
        return [
            "main": .string(mainVariant.rawValue),
            "label_rules": .int(LabelRules.version),
            "value_without_image": .int(Int(mainVariant.valueWithoutImage)),
            "value_without_image_note":
                "what labels.tif and every level of labels.ome.zarr hold in the planes of stack.planes_without_image",
            "values": [
                "0": "background", "1": "soma", "2": "axon", "3": "basal dendrite", "4": "apical dendrite",
                "255": "unknown",
            ],
            "geometry":
                "union of exact rounded cones over all edges and a ball at each root, in um; the edge from the soma is a tube of the child's radius; a soma of three points is one ball, an outlined soma is filled in its plane",
            "sampled_at": "the voxel centre",
            "inside": "signed distance <= 1e-6 um",
            "radius_floor_um": .double(grid?.halfDiagonal ?? 0),
            "overlap": "the lowest code wins",
            "reconstruction": context.specimen.reconstructionType.map { .string($0) } ?? .null,
            "background": .string(background),
            "variants": .object(variants),
        ]
    }

    private var background: String {
        let others = "unlabelled is not proven background: one neuron is traced, others may be stained"
        switch context.specimen.reconstructionType {
        case "full": return others
        case "dendrite-only": return others + "; the axon of this cell is not traced and is background here"
        default: return others + "; the source does not say whether the axon of this cell is traced"
        }
    }

    private var variants: JSONObject {
        let options = LabelOptions()
        return [
            "labels-binary": ["dtype": "uint8", "values": "0 background, 1 neuron"],
            "labels-classes3": ["dtype": "uint8", "values": "0 background, 1 soma, 2 axon, 3 dendrite, 255 unknown"],
            "labels-instance": [
                "dtype": "uint16", "values": "one id per neurite section between branch points and class changes",
                "table": .string(SpecimenFile.instances.name),
            ],
            "labels-centerline": ["dtype": "uint8", "values": "classes, one voxel wide, 26-connected"],
            "labels-distance": [
                "dtype": "uint8",
                "values": "signed distance to the surface: 0 far outside, 128 on the surface, 255 deep inside",
                "clip_um": .double(options.clip),
            ],
            "labels-nodes": [
                "dtype": "uint8", "values": "gaussian peaks of height 255 at soma, tips and branch points",
                "sigma_um": .double(options.sigma),
            ],
            "labels-ignore": [
                "dtype": "uint8",
                "values": "classes; 255 around markers of type 10 (cut dendrite) and 20 (no reconstruction)",
                "radius_um": .double(options.ignoreRadius),
            ],
        ]
    }

    private func describe(_ projection: Projection) -> JSONObject {
        [
            "file": .string("projections/\(projection.fileName)"), "image_id": .int(projection.imageID),
            "axes": .string(projection.axes.rawValue), "function": .string(projection.function.rawValue),
            "shape": [.int(projection.height), .int(projection.width)],
        ]
    }
}
