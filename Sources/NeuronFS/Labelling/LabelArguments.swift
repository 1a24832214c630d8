import ArgumentParser
import Morphology

/// Three whole numbers, `X,Y,Z`.
struct VoxelShape: ExpressibleByArgument {
    var x, y, z: Int

    init?(argument: String) {
        let parts = argument.split(separator: ",", omittingEmptySubsequences: false).map { Int($0) }
        guard parts.count == 3, let x = parts[0], let y = parts[1], let z = parts[2] else { return nil }
        (self.x, self.y, self.z) = (x, y, z)
    }
}

/// Three numbers, `X,Y,Z`.
struct AxisNumbers: ExpressibleByArgument {
    var x, y, z: Double

    init(x: Double, y: Double, z: Double) { (self.x, self.y, self.z) = (x, y, z) }

    init?(argument: String) {
        let parts = argument.split(separator: ",", omittingEmptySubsequences: false).map { Double($0) }
        guard parts.count == 3, let x = parts[0], let y = parts[1], let z = parts[2], x.isFinite, y.isFinite, z.isFinite
        else { return nil }
        self.init(x: x, y: y, z: z)
    }

    var defaultValueDescription: String { "\(x),\(y),\(z)" }
}

/// What the coordinates of a skeleton file are measured in.
enum SkeletonUnits: String, ExpressibleByArgument, CaseIterable {
    /// Micrometres.
    case um
    /// Nanometres.
    case nm
    /// Columns, rows and plane indices; radii in columns.
    case px

    var unit: LengthUnit {
        switch self {
        case .um: .um
        case .nm: .nm
        case .px: .px
        }
    }
}

/// The variants as the command line spells them.
enum LabelKind: String, ExpressibleByArgument, CaseIterable {
    case classes, classes3, binary, instance, centerline, distance, nodes, ignore

    var variant: LabelVariant {
        switch self {
        case .classes: .classes
        case .classes3: .classes3
        case .binary: .binary
        case .instance: .instance
        case .centerline: .centerline
        case .distance: .distance
        case .nodes: .nodes
        case .ignore: .ignore
        }
    }

    /// Whether voxels are solids sampled plane by plane: the variants for which `--slab` means something.
    var isSampled: Bool {
        switch self {
        case .classes, .classes3, .binary, .instance, .ignore: true
        case .centerline, .distance, .nodes: false
        }
    }
}
