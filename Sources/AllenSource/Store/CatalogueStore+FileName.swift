internal import Support

extension CatalogueStore {
    /// The name of the file that holds the catalogue of the database `identity`, as a rule its URL.
    ///
    /// `https://api.brain-map.org` has `catalogue-https---api.brain-map.org.sqlite`. Other URLs lose characters beyond those
    /// of scheme and host. For them `~` and a CRC-32C of the whole follow, so that two databases share no file: neither
    /// `/a/b` and `/a-b`, nor a host with a port and a host that ends like one.
    package static func fileName(of identity: String) -> String {
        let schemes = ["https://", "http://"]
        let host = schemes.first { identity.hasPrefix($0) }.map { identity.utf8.dropFirst($0.utf8.count) }
        let isPlain = host?.allSatisfy { isKept($0) || $0 == hyphen } ?? identity.utf8.allSatisfy(isKept)
        let name = String(decoding: identity.utf8.map { isKept($0) ? $0 : hyphen }, as: UTF8.self)
        guard !isPlain else { return "catalogue-\(name).sqlite" }
        let digits = String(CRC32C.checksum(Array(identity.utf8)), radix: 16)
        let checksum = String(repeating: "0", count: 8 - digits.count) + digits
        // A file name has at most 255 bytes; a path may have 4096.
        return "catalogue-\(name.prefix(100))~\(checksum).sqlite"
    }

    private static let hyphen = UInt8(ascii: "-")

    private static func isKept(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "."):
            true
        default: false
        }
    }
}
