internal import Layouts

extension ArrayLayout {
    /// Divides a range of the file into bytes of the header, and those behind it counted from the first voxel.
    func split(_ range: Range<Int>) -> (header: Range<Int>, pixels: Range<Int>) {
        let pixels = range.clamped(to: headerSize..<fileSize)
        return (range.clamped(to: 0..<headerSize), (pixels.lowerBound - headerSize)..<(pixels.upperBound - headerSize))
    }
}
