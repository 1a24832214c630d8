/// Field type RATIONAL of TIFF 6.0, section 2: two 32-bit unsigned numbers.
struct TIFFRational: Hashable, Sendable {
    let numerator: UInt32
    let denominator: UInt32

    /// The resolution in pixels per centimetre of pixels `micrometres` apart: 10^4 / `micrometres`, as the simplest
    /// fraction that equals it to within the error of a `Double`. 0.1144 um gives exactly 12500000/143.
    ///
    /// The fraction is the first convergent of the continued fraction that is near enough, which is the one with the
    /// smallest denominator among those as good; when 32 bits are not enough it is the best convergent that fits.
    /// `nil` for a spacing that is not positive and finite, or whose resolution is beyond what 32 bits express.
    init?(pixelsPerCentimetreAt micrometres: Double) {
        let value = 1e4 / micrometres
        guard micrometres.isFinite, value.isFinite, value > 0 else { return nil }
        let limit = Double(UInt32.max)
        var (previous, current) = ((0.0, 1.0), (1.0, 0.0))
        var rest = value
        var best: (Double, Double)?
        // A convergent's denominator at least doubles every second step, so 32 bits are used up within 64.
        for _ in 0..<64 {
            let term = rest.rounded(.down)
            let next = (term * current.0 + previous.0, term * current.1 + previous.1)
            guard next.0 <= limit, next.1 <= limit else { break }
            (previous, current) = (current, next)
            if next.0 > 0 { best = next }
            // 2^-50 is four units in the last place: the division above and the decimal spacing each cost half a one.
            if abs(next.0 / next.1 - value) <= value * 0x1p-50 || rest == term { break }
            rest = 1 / (rest - term)
        }
        guard let best else { return nil }
        numerator = UInt32(best.0)
        denominator = UInt32(best.1)
    }
}
