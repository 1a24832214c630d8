import Specimens

/// Pixels that are read and decoded at once.
struct TIFFPatch: Sendable {
    /// A part of one segment, or the whole of it.
    struct Part: Sendable {
        let segment: Int
        /// Bytes of the decoded segment before those of the part; not 0 only without compression.
        let skipped: Int
        let rows: Int
    }

    /// Where its pixels are, px of the page. A tile may extend beyond the page.
    let frame: SourceObject.Frame
    let bytesPerSample: Int
    let isTile: Bool
    let firstSegment: Int
    /// Rows of a segment; the last strip may have fewer.
    let segmentRows: Int
    /// Rows of the first segment that come before the patch.
    let skippedRows: Int

    /// Bytes of a row.
    var rowSize: Int { frame.width * bytesPerSample }
    /// Bytes of its pixels.
    var size: Int { rowSize * frame.height }

    /// The segments, from top to bottom: their pixels follow each other.
    var parts: [Part] {
        var parts: [Part] = []
        var (row, skipped) = (0, skippedRows)
        while row < frame.height {
            let rows = min(segmentRows - skipped, frame.height - row)
            parts.append(Part(segment: firstSegment + parts.count, skipped: skipped * rowSize, rows: rows))
            (row, skipped) = (row + rows, 0)
        }
        return parts
    }

    /// A name of segments for the log.
    func name(of segment: Int) -> String { "\(isTile ? "tile" : "strip") \(segment)" }

    /// Copies the pixels that `frame` shares with the patch.
    ///
    /// - Parameters:
    ///   - pixels: those of the patch.
    ///   - rectangle: those of `frame`.
    func copy(_ pixels: [UInt8], to rectangle: inout [UInt8], of frame: SourceObject.Frame) {
        let left = max(self.frame.x, frame.x)
        let right = min(self.frame.x + self.frame.width, frame.x + frame.width)
        let top = max(self.frame.y, frame.y)
        let bottom = min(self.frame.y + self.frame.height, frame.y + frame.height)
        let count = (right - left) * bytesPerSample
        for y in top..<bottom {
            let source = (y - self.frame.y) * rowSize + (left - self.frame.x) * bytesPerSample
            let target = ((y - frame.y) * frame.width + left - frame.x) * bytesPerSample
            rectangle.replaceSubrange(target..<target + count, with: pixels[source..<source + count])
        }
    }
}
