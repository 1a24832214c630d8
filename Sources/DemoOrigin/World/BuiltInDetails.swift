import Support

/// Catalogue rows of invented cells: the 54 columns of the real table, with null and '' mixed in the same way.
enum BuiltInDetails {
    static func row(_ cell: BuiltInCell, neuron: Cell.Skeleton?) -> JSONObject {
        var random = Random(seed: cell.id, stream: 5)
        var values = identity(cell)
        values.merge(place(cell, &random)) { $1 }
        values.merge(donor(cell, &random)) { $1 }
        values.merge(recording(cell, &random)) { $1 }
        values.merge(images(cell)) { $1 }
        values.merge(reconstruction(cell, neuron)) { $1 }
        var row = JSONObject()
        for column in Columns.names { row[column] = values[column] ?? .null }
        return row
    }

    private static func identity(_ cell: BuiltInCell) -> [String: JSONValue] {
        let animal = cell.donor % 100_000
        let donor = cell.human ? "H26.03.\(animal % 1000)" : "\(cell.line);Ai14-\(animal)"
        return [
            "specimen__id": .int(cell.id), "specimen__name": .string("\(donor).\(cell.suffix)"),
            "donor__id": .int(cell.donor), "donor__name": .string(donor),
            "donor__species": .string(cell.human ? "Homo Sapiens" : "Mus musculus"),
            "line_name": .string(cell.line),
            "cell_reporter_status": cell.human ? .null : .string(cell.id % 7 == 0 ? "negative" : "positive"),
            "tag__apical": .string(cell.spiny ? (cell.id % 3 == 0 ? "truncated" : "intact") : "NA"),
            "tag__dendrite_type": .string(cell.spiny ? "spiny" : cell.id % 5 == 0 ? "sparsely spiny" : "aspiny"),
        ]
    }

    private static func place(_ cell: BuiltInCell, _ random: inout Random) -> [String: JSONValue] {
        [
            "specimen__hemisphere": .string(random.unit() < 0.5 ? "left" : "right"),
            "structure__id": .int(cell.area.id),
            // The quotes are part of the value in the real table.
            "structure__name": .string("\"\(cell.area.name)\""),
            "structure__acronym": .string(cell.area.acronym),
            "structure_parent__id": .int(cell.area.parentID),
            "structure_parent__acronym": .string(cell.area.parent),
            "structure__layer": .string(cell.area.layer),
            "csl__x": real(random.between(8000, 9500)), "csl__y": real(random.between(900, 1800)),
            "csl__z": real(random.between(2500, 8500)),
            "csl__normalized_depth": cell.human ? .null : real(random.between(0.2, 0.9)),
        ]
    }

    private static func donor(_ cell: BuiltInCell, _ random: inout Random) -> [String: JSONValue] {
        let columns = [
            "donor__age", "donor__sex", "donor__disease_state", "donor__race", "donor__years_of_seizure_history",
        ]
        guard cell.human else { return Dictionary(uniqueKeysWithValues: columns.map { ($0, .string("")) }) }
        // The donor is one human, so its values must not differ between its cells.
        var own = Random(seed: cell.donor, stream: 6)
        return [
            "donor__age": .string("\(own.whole(20...70)) yrs"), "donor__sex": .string(own.pick(["Male", "Female"])),
            "donor__disease_state": .string(own.pick(["epilepsy", "tumor"])), "donor__race": .string("unknown"),
            "donor__years_of_seizure_history": .string(String(own.whole(0...30))),
        ]
    }

    private static func recording(_ cell: BuiltInCell, _ random: inout Random) -> [String: JSONValue] {
        let file = 1_000_000_000 + cell.id % 1_000_000 * 10
        let rate = random.between(5, 90)
        return [
            "erwkf__id": .int(file), "ephys_thumb_path": .string(download(file + 3)),
            "ephys_inst_thresh_thumb_path": .string(download(file + 4)),
            "ef__fast_trough_v_long_square": real(random.between(-62, -45)),
            "ef__upstroke_downstroke_ratio_long_square": real(random.between(1.1, 4.5)),
            "ef__adaptation": cell.human ? .null : real(random.between(0, 0.3)),
            "ef__f_i_curve_slope": real(random.between(0.05, 0.3)),
            "ef__threshold_i_long_square": .number("\(random.whole(2...30) * 10).0"),
            "ef__tau": real(random.between(5, 30)), "ef__avg_isi": real(1000 / rate),
            "ef__avg_firing_rate": real(rate), "ef__ri": real(random.between(60, 300)),
            "ef__peak_t_ramp": cell.id % 4 == 0 ? .null : real(random.between(2, 16)),
            "ef__vrest": real(random.between(-80, -62)), "m__glif": .int(random.pick([0, 2, 5])),
            "m__biophys": .int(random.whole(0...1)), "m__biophys_perisomatic": .int(random.whole(0...1)),
            "m__biophys_all_active": .int(0),
        ]
    }

    private static func images(_ cell: BuiltInCell) -> [String: JSONValue] {
        guard let images = cell.images else { return [:] }
        let root = cell.human ? "humancelltypes" : "mousecelltypes"
        return [
            "si__width": .int(images.width), "si__height": .int(images.height),
            "si__path": .string("/external/\(root)/prod900/specimen_\(cell.id)/min_xy_\(cell.id).aff"),
        ]
    }

    private static func reconstruction(_ cell: BuiltInCell, _ neuron: Cell.Skeleton?) -> [String: JSONValue] {
        guard cell.reconstruction != .none, case .grown(let plan)? = neuron else { return [:] }
        let file = 1_000_000_000 + cell.id % 1_000_000 * 10 + 6
        let measures = NeuronMeasures(NeuronGrower.grow(plan))
        return [
            "nrwkf__id": .int(file), "morph_thumb_path": .string(download(file + 1)),
            "nr__reconstruction_type": .string(cell.reconstruction.rawValue),
            "nr__max_euclidean_distance": real(measures.maxEuclideanDistance),
            "nr__number_stems": .int(measures.stems), "nr__number_bifurcations": .int(measures.bifurcations),
            "nr__average_contraction": real(measures.averageContraction),
            "nr__average_parent_daughter_ratio": real(measures.averageParentDaughterRatio),
        ]
    }

    private static func download(_ id: Int) -> String { "/api/v2/well_known_file_download/\(id)" }
    private static func real(_ value: Double) -> JSONValue { .double((value * 1e6).rounded() / 1e6) }
}

/// The measures of a reconstruction that the catalogue lists. Lengths are in micrometres.
struct NeuronMeasures {
    var maxEuclideanDistance = 0.0
    var stems = 0
    var bifurcations = 0
    /// The mean, over branches, of straight length over path length.
    var averageContraction = 0.0
    /// The mean, over bifurcations, of the daughters' mean radius over the parent's radius.
    var averageParentDaughterRatio = 0.0

    init(_ nodes: [NeuronGrower.Node]) {
        guard let soma = nodes.first else { return }
        var children = [[Int]](repeating: [], count: nodes.count)
        for (index, node) in nodes.enumerated() where node.parent >= 0 { children[node.parent].append(index) }
        stems = children[0].count
        var contractions: [Double] = []
        var ratios: [Double] = []
        for index in nodes.indices {
            maxEuclideanDistance = max(maxEuclideanDistance, Self.distance(nodes[index], soma))
            guard index == 0 || children[index].count > 1 else { continue }
            if index > 0 {
                bifurcations += 1
                let daughters = children[index].map { nodes[$0].radius }
                ratios.append(daughters.reduce(0, +) / Double(daughters.count) / nodes[index].radius)
            }
            for start in children[index] {
                var (end, path) = (start, Self.distance(nodes[start], nodes[index]))
                while children[end].count == 1 {
                    path += Self.distance(nodes[end], nodes[children[end][0]])
                    end = children[end][0]
                }
                contractions.append(Self.distance(nodes[end], nodes[index]) / max(path, 1e-9))
            }
        }
        averageContraction = contractions.reduce(0, +) / Double(max(contractions.count, 1))
        averageParentDaughterRatio = ratios.reduce(0, +) / Double(max(ratios.count, 1))
    }

    private static func distance(_ a: NeuronGrower.Node, _ b: NeuronGrower.Node) -> Double {
        let (x, y, z) = (a.x - b.x, a.y - b.y, a.z - b.z)
        return (x * x + y * y + z * z).squareRoot()
    }
}
