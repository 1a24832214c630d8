import Support

/// The group of an image in which OME-Zarr puts the labels of the image.
///
/// ```text
/// labels/.zgroup      {"zarr_format": 2}
/// labels/.zattrs      {"labels": [name]}
/// labels/name/        the labels, a directory as `OMEZarrImage` lays it out
/// ```
///
/// The format is OME-NGFF 0.4, <https://ngff.openmicroscopy.org/0.4/>, "labels" metadata.
package struct OMEZarrLabels: Sendable {
    /// The name of the group's directory.
    package static let folder = "labels"

    /// The name of the labels and of their directory.
    package let name: String

    /// A group of one label image.
    package init(name: String) { self.name = name }

    /// The contents of `.zgroup`.
    package func zgroup() -> [UInt8] { OMEZarrImage.group.file }

    /// The contents of `.zattrs`.
    package func zattrs() -> [UInt8] { attributes.file }

    /// The value of which `.zattrs` is the text.
    var attributes: JSONValue { ["labels": .array([.string(name)])] }
}
