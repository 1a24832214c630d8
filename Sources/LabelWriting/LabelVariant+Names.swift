package import Morphology

extension LabelVariant {
    /// The variant of this name.
    package init?(name: String) {
        guard let variant = Self.allCases.first(where: { $0.name == name }) else { return nil }
        self = variant
    }

    /// Whether the voxels are solids sampled plane by plane. Only these variants follow `PlaneSampling`.
    package var isSampled: Bool {
        switch self {
        case .classes, .classes3, .binary, .instance, .ignore: true
        case .centerline, .distance, .nodes: false
        }
    }
}
