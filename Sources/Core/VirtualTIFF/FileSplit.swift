/// Divides a range of a file of a header followed by pixels; the second range counts from the first pixel.
func splitFile(_ range: Range<Int>, headerSize: Int, fileSize: Int) -> (header: Range<Int>, pixels: Range<Int>) {
    let header = range.clamped(to: 0..<headerSize)
    let pixels = range.clamped(to: headerSize..<fileSize)
    return (header, (pixels.lowerBound - headerSize)..<(pixels.upperBound - headerSize))
}
