/// The distance of two voxels as the tags of a TIFF say it, um; nil where they do not.
package struct TIFFSpacing: Equatable, Sendable {
    /// Above 0.
    package let x: Double?
    /// Above 0.
    package let y: Double?
    /// Above 0.
    package let z: Double?

    /// A spacing. A number that is no distance counts as unknown.
    package init(x: Double?, y: Double?, z: Double?) {
        self.x = Self.distance(x)
        self.y = Self.distance(y)
        self.z = Self.distance(z)
    }

    private static func distance(_ number: Double?) -> Double? {
        guard let number, number.isFinite, number > 0 else { return nil }
        return number
    }
}

/// Units of length, in um.
enum TIFFUnit {
    /// The unit that ImageJ or OME calls `name`; nil for one that is no length, such as "pixel".
    static func micrometres(_ name: String) -> Double? {
        // A micro sign in Latin-1 is no UTF-8: it arrives as U+FFFD. ImageJ escapes it.
        let plain = name.lowercased().replacing("\\u00b5", with: "u").replacing("\u{B5}", with: "u")
            .replacing("\u{3BC}", with: "u").replacing("\u{FFFD}", with: "u").replacing("&#181;", with: "u")
            .replacing("&#xb5;", with: "u")
        return switch plain {
        case "um", "micron", "microns", "micrometer", "micrometers", "micrometre": 1
        case "nm", "nanometer", "nanometre": 1e-3
        case "mm", "millimeter", "millimetre": 1e3
        case "cm", "centimeter", "centimetre": 1e4
        case "m", "meter", "metre": 1e6
        case "inch", "in": 25400
        default: nil
        }
    }
}
