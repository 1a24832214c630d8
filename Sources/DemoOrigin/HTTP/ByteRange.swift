/// A `Range` header of one range (RFC 9110, 14.1.2). Several ranges get the whole file, which the standard allows.
enum ByteRange {
    enum Outcome: Equatable {
        /// No range, or one to ignore: 200 with the whole file.
        case whole
        /// 206 with these bytes.
        case part(Range<Int>)
        /// 416.
        case unsatisfiable
    }

    static func resolve(_ header: String?, size: Int) -> Outcome {
        guard let header, header.hasPrefix("bytes=") else { return .whole }
        let specification = header.dropFirst("bytes=".count).filter { $0 != " " }
        let sides = specification.split(separator: "-", maxSplits: 1, omittingEmptySubsequences: false)
        guard sides.count == 2, !specification.contains(",") else { return .whole }
        if sides[0].isEmpty {
            guard let suffix = Int(sides[1]), suffix >= 0 else { return .whole }
            return suffix == 0 || size == 0 ? .unsatisfiable : .part(max(0, size - suffix)..<size)
        }
        guard let first = Int(sides[0]), first >= 0 else { return .whole }
        if sides[1].isEmpty { return first < size ? .part(first..<size) : .unsatisfiable }
        guard let last = Int(sides[1]), last >= first else { return .whole }
        return first < size ? .part(first..<min(last + 1, size)) : .unsatisfiable
    }
}
