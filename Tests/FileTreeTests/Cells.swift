import Specimens
import Support

@testable import FileTree

/// Cells of the tests: 1 with images and skeleton, 2 with neither, 3 with images alone, of which no plane is usable.
enum Cells {
    static let list = [
        cell(1, skeleton: .file(11, of: 1), recording: .file(12, of: 1), hasImages: true), cell(2),
        cell(3, hasImages: true),
    ]

    static func cell(
        _ id: Int, layer: String? = nil, skeleton: ObjectID? = nil, recording: ObjectID? = nil, hasImages: Bool = false
    ) -> Specimen {
        Specimen(
            id: id, name: "cell \(id)", place: Place(.mouse, id), species: .mouse, layer: layer, skeleton: skeleton,
            recording: recording,
            hasImages: hasImages,
            row: RowText(["specimen__id": .int(id), "structure__layer": layer.map { .string($0) } ?? .null]))
    }

    static let spacing = VoxelSpacing(xy: 0.1144, z: 0.28)

    /// Planes 0, 1 and 3.
    static let stack = ImageStack(
        planes: [0, 1, 3].map { section in
            PlaneImage(
                imageID: 100 + section, sectionNumber: section, x: 0, y: 0, width: 600, height: 500,
                frameWidth: 600, frameHeight: 500, xSpacing: spacing.x, ySpacing: spacing.y)
        }, zSpacing: spacing.z)

    /// What the source has of cells 1 and 3: planes 0, 1 and 3 of cell 1, and its files.
    static let objects = [
        1: SpecimenObjects(
            stack: stack, spacing: spacing, skeleton: SourceObject(id: .file(11, of: 1)),
            recording: SourceObject(id: .file(12, of: 1))),
        3: SpecimenObjects(spacing: spacing),
    ]

    /// What is known of the files of cell 1.
    static let records = [(11, 1111), (12, 1212)].map { file, length in
        ObjectRecord(id: .file(file, of: 1), length: length, tag: "\"1\"", checkedAt: wallClockSeconds())
    }
}

extension Result where Success == FileAttributes, Failure == FileTreeError {
    var isAbsent: Bool { if case .failure(.notFound) = self { true } else { false } }
}

extension Result where Failure == FileTreeError {
    var isNotFound: Bool { if case .failure(.notFound) = self { true } else { false } }
}
