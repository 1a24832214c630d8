/// The first `Pixels` element of OME-XML, <https://docs.openmicroscopy.org/ome-model/6.3.1/ome-tiff/specification.html>.
///
/// This is no XML parser: it goes over markup up to the first start tag of that name and reads its attributes. Nothing is
/// expanded, so that a hostile document costs one pass over its bytes.
struct OMEPixels {
    private var attributes: [String: String] = [:]

    /// nil where `text` is no OME-XML, or has no such element.
    init?(_ text: ArraySlice<UInt8>) {
        var scanner = Scanner(rest: text)
        var isOME = false
        while let tag = scanner.nextTag() {
            switch tag.name {
            case "OME": isOME = true
            case "Pixels" where isOME:
                attributes = tag.attributes
                return
            default: break
            }
        }
        return nil
    }

    /// PhysicalSizeX, Y or Z, um; nil where it is absent or in a unit that is no length.
    func distance(_ axis: String) -> Double? {
        guard let size = attributes["PhysicalSize\(axis)"].flatMap({ Double($0) }) else { return nil }
        guard let name = attributes["PhysicalSize\(axis)Unit"] else { return size }
        return TIFFUnit.micrometres(name).map { size * $0 }
    }

    /// SizeC, SizeZ and SizeT.
    var axes: TIFFDescription.Axes {
        func size(_ axis: String) -> Int { max(1, attributes["Size\(axis)"].flatMap { Int($0) } ?? 1) }
        return TIFFDescription.Axes(channels: size("C"), planes: size("Z"), times: size("T"))
    }

    /// A start tag.
    private struct Tag {
        /// Without the prefix of a namespace.
        let name: String
        let attributes: [String: String]
    }

    /// Goes over markup from start tag to start tag.
    private struct Scanner {
        var rest: ArraySlice<UInt8>

        /// The next start tag; nil at the end, and where the markup ends in the middle.
        mutating func nextTag() -> Tag? {
            while let open = rest.firstIndex(of: UInt8(ascii: "<")) {
                rest = rest[open...].dropFirst()
                if rest.starts(with: "!--".utf8) {
                    guard skip(past: "-->") else { return nil }
                } else if rest.starts(with: "![CDATA[".utf8) {
                    guard skip(past: "]]>") else { return nil }
                } else if let first = rest.first, first != UInt8(ascii: "/"), first != UInt8(ascii: "?"),
                    first != UInt8(ascii: "!")
                {
                    return tag()
                }
            }
            return nil
        }

        /// The tag whose name comes next.
        private mutating func tag() -> Tag? {
            let name = word()
            var attributes: [String: String] = [:]
            while true {
                rest = rest.drop { Self.isSpace($0) }
                guard let first = rest.first else { return nil }
                if first == UInt8(ascii: ">") || first == UInt8(ascii: "/") { break }
                let attribute = word()
                rest = rest.drop { Self.isSpace($0) }
                guard !attribute.isEmpty, rest.popFirst() == UInt8(ascii: "=") else { return nil }
                rest = rest.drop { Self.isSpace($0) }
                guard let quote = rest.popFirst(), quote == UInt8(ascii: "\"") || quote == UInt8(ascii: "'"),
                    let end = rest.firstIndex(of: quote)
                else { return nil }
                attributes[attribute] = String(decoding: rest[..<end], as: UTF8.self)
                rest = rest[end...].dropFirst()
            }
            return Tag(name: name.split(separator: ":").last.map(String.init) ?? name, attributes: attributes)
        }

        /// The bytes up to a space or a character that ends a name.
        private mutating func word() -> String {
            let end = rest.firstIndex { Self.isSpace($0) || "=/>\"'<".utf8.contains($0) } ?? rest.endIndex
            defer { rest = rest[end...] }
            return String(decoding: rest[..<end], as: UTF8.self)
        }

        private mutating func skip(past end: String) -> Bool {
            let end = Array(end.utf8)
            while let start = rest.firstIndex(of: end[0]) {
                rest = rest[start...]
                if rest.starts(with: end) {
                    rest = rest.dropFirst(end.count)
                    return true
                }
                rest = rest.dropFirst()
            }
            return false
        }

        private static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || (0x09...0x0D).contains(byte) }
    }
}
