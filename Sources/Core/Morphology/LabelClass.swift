/// A class of a label image: the value of its voxels, its name, and the colour in which viewers paint it.
package struct LabelClass: Hashable, Sendable {
    /// The value of the voxels, 1 or more.
    package let value: Int
    /// What it stands for, for example "basal dendrite".
    package let name: String
    /// Red, green and blue, 0...255.
    package let color: SIMD3<UInt8>

    /// The voxels of which nothing is known: of unknown class, or of a plane without an image.
    package static let unknown = LabelClass(value: 255, name: "unknown", color: SIMD3(147, 161, 161))

    fileprivate static let soma = LabelClass(value: 1, name: "soma", color: SIMD3(255, 255, 255))
    fileprivate static let axon = LabelClass(value: 2, name: "axon", color: SIMD3(220, 50, 47))
    fileprivate static let apical = LabelClass(value: 4, name: "apical dendrite", color: SIMD3(211, 54, 200))

    fileprivate static func dendrite(_ name: String) -> LabelClass {
        LabelClass(value: 3, name: name, color: SIMD3(38, 139, 210))
    }
}

extension LabelVariant {
    /// The classes of the variant in order of value; empty for ids and for fields. The colours are those that
    /// neuroscientists know from Vaa3D: soma white, axon red, basal blue, apical purple. docs/LABELS.md shows them.
    package var classes: [LabelClass] {
        switch self {
        case .binary: [LabelClass(value: 1, name: "neuron", color: SIMD3(255, 255, 255))]
        case .classes3: [.soma, .axon, .dendrite("dendrite"), .unknown]
        case .classes, .centerline: [.soma, .axon, .dendrite("basal dendrite"), .apical, .unknown]
        case .ignore: [.soma, .axon, .dendrite("basal dendrite"), .apical]
        case .instance, .distance, .nodes: []
        }
    }
}
