/// The version of the rules by which a skeleton becomes voxels.
public enum LabelRules {
    /// Grows by one with every change that gives the voxels of some skeleton another value.
    ///
    /// - 1: the rules of NeuronFS 0.1.0.
    /// - 2: Forks and ends never inherit the soma's class. A soma of three points is one ball. A soma drawn as an
    ///   outline is filled. `OFFSET` and units of a skeleton's header are applied.
    public static let version = 2

    /// The ImageDescription of a TIFF of labels, ASCII: the variant and the version of its rules.
    public static func tiffDescription(of variant: LabelVariant) -> String {
        let name = variant.name
        return "neuronfs labels; variant=\(name); label_rules=\(version)"
    }
}
