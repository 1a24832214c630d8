/// The tubes by squares of 256 px, so that a tile examines only tubes that can darken it.
struct TubeIndex: Sendable {
    static let bucketShift = 8
    private static let bucketSide = 1 << bucketShift

    let tubes: [Tube]
    private let columns: Int
    private let rows: Int
    /// Bucket b holds the tubes `members[starts[b]..<starts[b + 1]]`.
    private let starts: [Int32]
    private let members: [Int32]

    init(_ tubes: [Tube], width: Int, height: Int) {
        self.tubes = tubes
        columns = max(1, (width + Self.bucketSide - 1) >> Self.bucketShift)
        rows = max(1, (height + Self.bucketSide - 1) >> Self.bucketShift)
        var counts = [Int32](repeating: 0, count: columns * rows + 1)
        let spans = tubes.map { [columns, rows] in Self.span($0, columns, rows) }
        for span in spans {
            for row in span.rows { for column in span.columns { counts[row * columns + column + 1] += 1 } }
        }
        for bucket in 1..<counts.count { counts[bucket] += counts[bucket - 1] }
        starts = counts
        var members = [Int32](repeating: 0, count: Int(counts.last ?? 0))
        for (index, span) in spans.enumerated() {
            for row in span.rows {
                for column in span.columns {
                    let bucket = row * columns + column
                    members[Int(counts[bucket])] = Int32(index)
                    counts[bucket] += 1
                }
            }
        }
        self.members = members
    }

    private static func span(
        _ tube: Tube, _ columns: Int, _ rows: Int
    ) -> (columns: Range<Int>, rows: Range<Int>) {
        let reach = Optics.farthestReach(max(tube.aRadius, tube.bRadius))
        let across = buckets(min(tube.ax, tube.bx) - reach, max(tube.ax, tube.bx) + reach, limit: columns)
        return (across, buckets(min(tube.ay, tube.by) - reach, max(tube.ay, tube.by) + reach, limit: rows))
    }

    private static func buckets(_ low: Float, _ high: Float, limit: Int) -> Range<Int> {
        let first = Int((low / Optics.pixel).rounded(.down)) >> bucketShift
        let last = Int((high / Optics.pixel).rounded(.up)) >> bucketShift
        guard last >= 0, first < limit else { return 0..<0 }
        return max(0, first)..<min(limit - 1, last) + 1
    }

    /// Calls `body` for every bucket that intersects `region`, with the common part and the tubes that may reach it.
    func forEachBucket(in region: PixelRect, _ body: (PixelRect, ArraySlice<Int32>) -> Void) {
        guard !region.isEmpty else { return }
        for row in (region.y >> Self.bucketShift)...((region.y + region.height - 1) >> Self.bucketShift) {
            for column in (region.x >> Self.bucketShift)...((region.x + region.width - 1) >> Self.bucketShift) {
                guard (0..<columns).contains(column), (0..<rows).contains(row) else { continue }
                let square = PixelRect(
                    x: column << Self.bucketShift, y: row << Self.bucketShift, width: Self.bucketSide,
                    height: Self.bucketSide)
                let bucket = row * columns + column
                let part = members[Int(starts[bucket])..<Int(starts[bucket + 1])]
                if !part.isEmpty { body(square.clipped(to: region), part) }
            }
        }
    }
}
