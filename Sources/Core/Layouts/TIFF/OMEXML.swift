/// The OME-XML that says what the pages of a TIFF are: planes of one stack, and how far apart its voxels lie. No TIFF
/// field can say either.
///
/// The schema is OME 2016-06, <https://www.openmicroscopy.org/Schemas/OME/2016-06/>; its place is ImageDescription of the
/// first directory, <https://ome-model.readthedocs.io/en/stable/ome-tiff/specification.html>. The document names no file,
/// so that a volume can be renamed.
enum OMEXML {
    /// The document for a volume whose directory k is plane k.
    ///
    /// - Parameters:
    ///   - depth: Planes, and directories.
    ///   - bitsPerSample: 8 or 16.
    ///   - spacing: Distance of the voxels, um, which is the schema's default unit. Bio-Formats 7 refuses a document in
    ///     which the unit is spelt as a character reference, and ImageDescription holds nothing but ASCII.
    ///   - description: What the image is, see `isText`; `nil` says nothing.
    static func document(
        width: Int, height: Int, depth: Int, bitsPerSample: Int, spacing: ZYX<Double>, description: String?
    ) -> String {
        let schema = "http://www.openmicroscopy.org/Schemas/OME/2016-06"
        let text = description.map { "<Description>\(escaped($0))</Description>" } ?? ""
        return #"<?xml version="1.0" encoding="UTF-8"?>"#
            + #"<OME xmlns="\#(schema)" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance""#
            + #" xsi:schemaLocation="\#(schema) \#(schema)/ome.xsd" Creator="NeuronFS">"#
            + #"<Image ID="Image:0">"# + text
            + #"<Pixels ID="Pixels:0" DimensionOrder="XYZCT" Type="uint\#(bitsPerSample)" BigEndian="false""#
            + #" SizeX="\#(width)" SizeY="\#(height)" SizeZ="\#(depth)" SizeC="1" SizeT="1""#
            + #" PhysicalSizeX="\#(spacing.x)" PhysicalSizeY="\#(spacing.y)" PhysicalSizeZ="\#(spacing.z)">"#
            + #"<Channel ID="Channel:0:0" SamplesPerPixel="1"/><TiffData IFD="0" PlaneCount="\#(depth)"/>"#
            + "</Pixels></Image></OME>"
    }

    /// Whether XML 1.0 can hold `text`: of the control characters it has tab, line feed and carriage return alone.
    static func isText(_ text: String) -> Bool {
        text.unicodeScalars.allSatisfy { $0.value >= 0x20 || ["\t", "\n", "\r"].contains($0) }
    }

    private static func escaped(_ text: String) -> String {
        text.replacing("&", with: "&amp;").replacing("<", with: "&lt;").replacing(">", with: "&gt;")
    }
}
