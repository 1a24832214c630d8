/// The statements in the comments of an SWC file about its numbers.
///
/// These are read:
/// - `# OFFSET x y z`, added to every node, as the readers of the Janelia Workstation's files do;
/// - `# SCALE x y z`, a field of the CNIC header that readers ignore: a warning when it is not 1 1 1;
/// - units: the word `unit` or `units`, then `:` or `=`, then an optional number and a unit as a word or a symbol:
///   `# units: nm`, `"units": "1 nanometer"`, `units = ["4 nm", "4 nm", "4 nm"]`;
/// - comments that end in the seven columns of a node.
struct SWCHeader {
    /// The units that a comment states.
    private enum Units: Equatable {
        /// `um` is the length of one unit, micrometres.
        case length(um: Double, text: String)
        case pixels
        /// Text that names no known unit.
        case other(String)
    }

    private var offset: SIMD3<Double>?
    private var units: Units?
    private var unfollowed: [String] = []
    private var nodesInComments = 0

    /// The longest part of a comment that is examined, bytes, from its beginning and from its end.
    private static let longest = 2048
    /// The most warnings kept of one file.
    private static let mostSentences = 4

    /// Reads the current line of the scanner, which is a comment.
    mutating func read(_ scanner: inout ColumnScanner) throws(SWCError) {
        let text = scanner.text(limit: Self.longest)
        let line = scanner.line
        let words = text.drop { $0 == "#" || $0.isWhitespace }.split { $0.isWhitespace || $0 == "," || $0 == ":" }
        switch words.first?.uppercased() {
        case "OFFSET": try readOffset(words.dropFirst(), line: line)
        case "SCALE": readScale(words.dropFirst())
        default: break
        }
        if let found = Self.units(in: text) {
            if let units, units != found {
                throw SWCError(line: line, reason: "the comments state different units: leave one")
            }
            units = found
        }
        if Self.endsInNode(&scanner) { nodesInComments += 1 }
    }

    private mutating func readOffset(_ words: ArraySlice<Substring>, line: Int) throws(SWCError) {
        guard let found = Self.triple(words) else {
            return tell("the header's OFFSET is not three numbers: nothing is added")
        }
        if let offset, offset != found {
            throw SWCError(line: line, reason: "the comments state different OFFSETs: leave one")
        }
        offset = found
    }

    private mutating func readScale(_ words: ArraySlice<Substring>) {
        guard let found = Self.triple(words), found != SIMD3(repeating: 1) else { return }
        tell("the header's SCALE \(found.x) \(found.y) \(found.z) is not applied, as in other readers of SWC")
    }

    private mutating func tell(_ sentence: String) {
        if unfollowed.count < Self.mostSentences && !unfollowed.contains(sentence) { unfollowed.append(sentence) }
    }

    private static func triple(_ words: ArraySlice<Substring>) -> SIMD3<Double>? {
        let numbers = words.prefix(3).compactMap { word in Double(word) }
        guard numbers.count == 3, numbers.allSatisfy(\.isFinite) else { return nil }
        return SIMD3(numbers[0], numbers[1], numbers[2])
    }

    /// Whether the last seven columns of the comment are those of a node. The id may follow the last word of the header
    /// without a blank.
    private static func endsInNode(_ scanner: inout ColumnScanner) -> Bool {
        scanner.skip(toLast: longest)
        var columns: [Range<Int>] = []
        while let column = scanner.next() { columns.append(column) }
        guard columns.count >= 7 else { return false }
        let last = columns.suffix(7).map { $0 }
        func isWhole(_ column: Range<Int>) -> Bool { if case .value = scanner.whole(column) { true } else { false } }
        return scanner.endsInDigit(last[0]) && isWhole(last[1]) && isWhole(last[6])
            && last[2...5].allSatisfy { column in scanner.number(column) != nil }
    }

    // MARK: units

    private static func units(in text: String) -> Units? {
        let letters = Array(text.lowercased().unicodeScalars)
        let word = Array("unit".unicodeScalars)
        var start = 0
        while start + word.count < letters.count {
            defer { start += 1 }
            guard letters[start..<start + word.count].elementsEqual(word),
                start == 0 || !letters[start - 1].properties.isAlphabetic
            else { continue }
            var next = start + word.count
            if next < letters.count, letters[next] == "s" { next += 1 }
            func skip(_ set: Set<Unicode.Scalar>) {
                while next < letters.count, set.contains(letters[next]) { next += 1 }
            }
            skip([" ", "\t", "\"", "'", ")"])
            guard next < letters.count, letters[next] == ":" || letters[next] == "=" else { continue }
            next += 1
            skip([" ", "\t"])
            return stated(letters[next...])
        }
        return nil
    }

    /// The units after the colon: one unit, or a list of equal ones in brackets.
    private static func stated(_ letters: ArraySlice<Unicode.Scalar>) -> Units {
        let isList = letters.first == "["
        let end: Set<Unicode.Scalar> = isList ? ["]"] : [",", ";", "}", "]"]
        let text = (isList ? letters.dropFirst() : letters).prefix { letter in !end.contains(letter) }
        let items = text.split(separator: ",").map { item in unit(String(String.UnicodeScalarView(item))) }
        guard let first = items.first else { return .other("") }
        guard items.allSatisfy({ item in item == first }) else {
            return .other(String(String.UnicodeScalarView(text)))
        }
        return first
    }

    private static func unit(_ text: String) -> Units {
        let bare = text.split { $0.isWhitespace || $0 == "\"" || $0 == "'" || $0 == "(" || $0 == ")" }
        var name = bare.first.map(String.init) ?? ""
        var count = 1.0
        let digits = name.prefix { $0.isNumber || $0 == "." }
        if !digits.isEmpty {
            guard let value = Double(digits), value.isFinite, value > 0 else { return .other(text) }
            count = value
            let rest = name.dropFirst(digits.count)
            name = rest.isEmpty ? bare.dropFirst().first.map(String.init) ?? "" : String(rest)
        }
        let letters = name.filter { $0.isLetter }
        if let length = LengthName(letters) {
            return .length(
                um: count * length.um, text: count == 1 ? length.short : "\(count.formattedCount) \(length.short)")
        }
        let isPixels = ["px", "pixel", "pixels", "voxel", "voxels", "vx"].contains(letters) && count == 1
        return isPixels ? .pixels : .other(text)
    }

    // MARK: Results

    /// The part of the findings that the comments decide.
    /// - Parameters:
    ///   - asked: the units that the caller states; they take precedence over those of the file.
    ///   - voxel: um of a column, a row and a plane.
    func findings(asked: LengthUnit?, voxel: SIMD3<Double>) -> SkeletonFindings {
        var findings = SkeletonFindings()
        findings.offset = offset
        findings.nodesInComments = nodesInComments
        findings.unfollowed = unfollowed
        if let asked {
            findings.unitsSource = .asked
            findings.units = asked.rawValue
            findings.scale = Self.scale(of: asked, voxel)
            if let said = disagreement(with: asked) {
                findings.unfollowed.append(
                    "the header states units of \(said), the numbers are read as \(asked.rawValue)")
            }
            return findings
        }
        switch units {
        case nil: break
        case .length(let um, let text):
            findings.unitsSource = .header
            findings.units = text
            findings.scale = SIMD3(repeating: um)
        case .pixels:
            findings.unitsSource = .header
            findings.units = LengthUnit.px.rawValue
            findings.scale = Self.scale(of: .px, voxel)
        case .other(let text):
            findings.unfollowed.append("the header states units of \(Self.printable(text)), the numbers are read as um")
        }
        return findings
    }

    private static func scale(of unit: LengthUnit, _ voxel: SIMD3<Double>) -> SIMD3<Double> {
        switch unit {
        case .um: SIMD3(repeating: 1)
        case .nm: SIMD3(repeating: 0.001)
        case .px: voxel
        }
    }

    /// The units that the header states, when they differ from `asked`.
    private func disagreement(with asked: LengthUnit) -> String? {
        switch units {
        case nil: nil
        case .length(let um, let text):
            asked != .px && SIMD3(repeating: um) == Self.scale(of: asked, SIMD3(repeating: 1)) ? nil : text
        case .pixels: asked == .px ? nil : LengthUnit.px.rawValue
        case .other(let text): Self.printable(text)
        }
    }

    /// Text of the file for a message, in quotes; "?" replaces an unprintable character.
    private static func printable(_ text: String) -> String {
        "\"" + String(text.unicodeScalars.prefix(40).map { $0.value >= 32 && $0.value < 127 ? Character($0) : "?" })
            + "\""
    }
}

extension Double {
    /// A whole number is written without ".0".
    fileprivate var formattedCount: String { self == rounded() && abs(self) < 1e15 ? String(Int(self)) : String(self) }
}
