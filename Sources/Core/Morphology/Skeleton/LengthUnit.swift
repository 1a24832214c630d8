/// The units that a caller can state for the numbers of a skeleton.
public enum LengthUnit: String, Sendable, Hashable, CaseIterable {
    /// Micrometres.
    case um
    /// Nanometres.
    case nm
    /// Columns, rows and planes of the image. Radii are in columns.
    case px
}

/// A unit of length as files spell it.
public struct LengthName: Sendable, Hashable {
    /// The length of one unit, micrometres.
    public let um: Double
    /// The short name.
    public let short: String

    /// The unit with this name, in any case; `nil` for any other name, "pixel" included.
    public init?(_ name: String) {
        switch name.lowercased() {
        case "nm", "nanometer", "nanometers", "nanometre", "nanometres": (um, short) = (0.001, "nm")
        case "um", "\u{B5}m", "\u{3BC}m", "micron", "microns", "micrometer", "micrometers", "micrometre", "micrometres":
            (um, short) = (1, "um")
        case "mm", "millimeter", "millimeters", "millimetre", "millimetres": (um, short) = (1000, "mm")
        case "cm", "centimeter", "centimeters", "centimetre", "centimetres": (um, short) = (10_000, "cm")
        case "m", "meter", "meters", "metre", "metres": (um, short) = (1_000_000, "m")
        default: return nil
        }
    }
}
