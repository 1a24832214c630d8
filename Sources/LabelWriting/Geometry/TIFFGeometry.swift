import Morphology
import Support

/// The geometry of a TIFF: what OME-XML, an ImageJ description or tifffile's says of it, else its directories and
/// resolution fields.
///
/// Resolution fields count in centimetres, or in the unit that an ImageJ description names. In inches they are the
/// default of a printer (72, 96, 300), not the size of a voxel, and say nothing.
enum TIFFGeometry {
    /// - Throws: a request error for a file that cannot be read or is no TIFF.
    static func read(_ path: String) throws(LabelWritingError) -> ImageGeometry {
        let file = try TIFFFields.read(path)
        var geometry = ImageGeometry(shape: SIMD3(file.width, file.height, 0), spacing: SIMD3())
        let text = file.description
        let lateral = SIMD2(file.xResolution, file.yResolution)
        if file.resolutionUnit == 3 { geometry.spacing = spacing(lateral, um: 10_000) }
        if text.hasPrefix("ImageJ=") {
            readImageJ(text, file.resolutionUnit == 3 ? nil : lateral, &geometry)
        } else if let pixels = openingTag("Pixels", in: text) {
            readOME(pixels, &geometry)
        } else if text.hasPrefix("{"), let shaped = shapedMetadata(text) {
            let sides = shaped["shape"]?.arrayValue?.compactMap(\.intValue) ?? []
            if sides.count == 3 { geometry.shape.z = sides[0] }
            let um = LengthName(shaped["unit"]?.stringValue ?? "")?.um ?? 0
            geometry.spacing.z = (shaped["spacing"]?.doubleValue ?? 0) * um
        }
        if geometry.shape.z == 0 { geometry.shape.z = try file.countPlanes() }
        return geometry
    }

    /// x and y from resolutions in voxels a unit, z unknown.
    private static func spacing(_ resolution: SIMD2<Double>, um: Double) -> SIMD3<Double> {
        guard resolution.min() > 0 else { return SIMD3() }
        return SIMD3(um / resolution.x, um / resolution.y, 0)
    }

    private static func shapedMetadata(_ text: String) -> JSONValue? {
        do throws(JSONError) {
            return try JSONValue.parse(text)
        } catch {
            // The description begins like tifffile's, but is free text.
            return nil
        }
    }

    /// Lines of `name=value`; resolutions are voxels a `unit`, `spacing` is the distance of the planes in it.
    /// - Parameter lateral: the resolutions, `nil` where the file says that they count in centimetres.
    private static func readImageJ(_ text: String, _ lateral: SIMD2<Double>?, _ geometry: inout ImageGeometry) {
        var fields: [Substring: Substring] = [:]
        for line in text.split(whereSeparator: \.isNewline) {
            let parts = line.split(separator: "=", maxSplits: 1)
            if parts.count == 2 { fields[parts[0]] = parts[1] }
        }
        func count(_ name: Substring) -> Int? { fields[name].flatMap { Int($0) }.flatMap { $0 > 0 ? $0 : nil } }
        // Slices are left out where there is one, images where there is one of them.
        let others = (count("channels") ?? 1).multipliedReportingOverflow(by: count("frames") ?? 1)
        if let planes = count("slices") ?? count("images").map({ others.overflow ? 0 : $0 / others.partialValue }) {
            geometry.shape.z = planes
        }
        let unit = (fields["unit"] ?? "").replacingEscapedMicro
        let um = LengthName(unit)?.um ?? 0
        if let lateral { geometry.spacing = spacing(lateral, um: um) }
        // ImageJ keeps a stack's direction in the sign.
        geometry.spacing.z = abs(fields["spacing"].flatMap { Double($0) } ?? 0) * um
    }

    /// Attributes of the first `Pixels`; micrometres where no unit is stated (OME-XML 2016-06).
    private static func readOME(_ attributes: [Substring: Substring], _ geometry: inout ImageGeometry) {
        for (axis, name) in ["X", "Y", "Z"].enumerated() {
            if let side = attributes["Size\(name)"].flatMap({ Int($0) }) { geometry.shape[axis] = side }
            let unit = (attributes["PhysicalSize\(name)Unit"].map(String.init) ?? "um").replacingXMLMicro
            let um = LengthName(unit)?.um ?? 0
            geometry.spacing[axis] = (attributes["PhysicalSize\(name)"].flatMap { Double($0) } ?? 0) * um
        }
    }

    /// The attributes of the first element `name` of an XML text; `nil` where there is none.
    private static func openingTag(_ name: String, in text: String) -> [Substring: Substring]? {
        var rest = Substring(text)
        while let start = rest.firstIndex(of: "<") {
            rest = rest[start...].dropFirst()
            guard
                rest.prefix(while: { !$0.isWhitespace && $0 != ">" && $0 != "/" }).split(separator: ":").last
                    == name[...]
            else { continue }
            var attributes: [Substring: Substring] = [:]
            var tag = rest.prefix { $0 != ">" }
            while let equals = tag.firstIndex(of: "=") {
                let key = tag[..<equals].split(whereSeparator: \.isWhitespace).last ?? ""
                let value = tag[equals...].dropFirst().drop(while: \.isWhitespace)
                guard let quote = value.first, quote == "\"" || quote == "'",
                    let end = value.dropFirst().firstIndex(of: quote)
                else { break }
                attributes[key] = value[value.index(after: value.startIndex)..<end]
                tag = value[end...].dropFirst()
            }
            return attributes
        }
        return nil
    }
}

extension StringProtocol {
    /// ImageJ writes the micro sign as an escape of Java.
    fileprivate var replacingEscapedMicro: String {
        hasPrefix("\\u00B5") || hasPrefix("\\u00b5") ? "\u{B5}" + dropFirst(6) : String(self)
    }

    /// OME-XML may write it as a character reference.
    fileprivate var replacingXMLMicro: String {
        for reference in ["&#181;", "&#xB5;", "&#xb5;", "&#956;", "&#x3BC;", "&#x3bc;"] where hasPrefix(reference) {
            return "\u{B5}" + dropFirst(reference.count)
        }
        return String(self)
    }
}
