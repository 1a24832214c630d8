package import Morphology

/// A folder of planes: the images, or one variant of the labels. All hold the same names and shapes.
///
/// The raw value is part of inode numbers and never changes.
package enum Series: UInt8, CaseIterable, Sendable {
    /// The image planes.
    case stack = 0
    /// The labels a mount is asked for, classes unless an option says otherwise.
    case labels = 1
    /// 0 and 1.
    case binary = 2
    /// Classes with apical dendrite merged into dendrite.
    case classes3 = 3
    /// One id per neurite section.
    case instance = 4
    /// One voxel wide.
    case centerline = 5
    /// Signed distance to the surface.
    case distance = 6
    /// Soma, tips and branch points as peaks.
    case nodes = 7
    /// Classes, with 255 around cuts and untraced neurites.
    case ignore = 8

    /// Name of the folder.
    package var folder: String {
        switch self {
        case .stack: "stack"
        case .labels: "labels"
        case .binary: "labels-binary"
        case .classes3: "labels-classes3"
        case .instance: "labels-instance"
        case .centerline: "labels-centerline"
        case .distance: "labels-distance"
        case .nodes: "labels-nodes"
        case .ignore: "labels-ignore"
        }
    }

    /// The label variant in the folder; nil for the images.
    ///
    /// - Parameter main: what `labels/` holds.
    package func variant(main: LabelVariant) -> LabelVariant? {
        switch self {
        case .stack: nil
        case .labels: main
        case .binary: .binary
        case .classes3: .classes3
        case .instance: .instance
        case .centerline: .centerline
        case .distance: .distance
        case .nodes: .nodes
        case .ignore: .ignore
        }
    }

    /// Bits of a sample: of labels 16 for instance ids, else 8.
    ///
    /// - Parameter images: bits of a pixel of the images.
    package func bitsPerSample(main: LabelVariant, images: Int) -> Int {
        variant(main: main).map { $0.bytesPerVoxel * 8 } ?? images
    }
}
