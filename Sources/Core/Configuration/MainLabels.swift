package import Morphology

/// The label variants that `labels/` may hold.
package enum MainLabels: String, CaseIterable, Sendable {
    case classes, classes3, binary

    /// The variant that a folder of this name holds.
    package var variant: LabelVariant {
        switch self {
        case .classes: .classes
        case .classes3: .classes3
        case .binary: .binary
        }
    }

    /// `classes, classes3, binary`.
    static let list = allCases.map(\.rawValue).joined(separator: ", ")
}
