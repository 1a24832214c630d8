import Glibc

/// From how far an address can be reached. A redirect may lead to an address of the same reach or of a wider one. So a
/// server on the internet cannot redirect to addresses that only this machine or its site can reach.
///
/// Source: the registries of special-purpose addresses (RFC 6890) of IANA.
enum Reach: Int, Comparable {
    /// This machine alone: loopback, and the unspecified address, which Linux treats as loopback. Also addresses that
    /// no server has: multicast, broadcast and reserved ones.
    case machine
    /// The same link.
    case link
    /// The same site: private addresses, addresses behind a carrier's NAT, and unique local ones.
    case site
    /// Everywhere.
    case world

    static func < (left: Reach, right: Reach) -> Bool { left.rawValue < right.rawValue }

    /// Names an address of this reach in a message.
    var name: String {
        switch self {
        case .machine: "an address of this machine"
        case .link: "an address of this link"
        case .site: "a private address"
        case .world: "a public address"
        }
    }

    /// The reach of a host as a URL writes it, in lower case and without brackets. Nil for a name, whose address only
    /// the name service knows.
    init?(host: String) {
        // A dot at the end marks a complete name.
        let name = host.hasSuffix(".") ? String(host.dropLast()) : host
        if name == "localhost" || name.hasSuffix(".localhost") {
            self = .machine
            return
        }
        self.init(address: name)
    }

    /// The reach of an address in any spelling that libcurl takes: 127.1, 0x7f000001, ::ffff:10.0.0.1. Nil for any
    /// other text.
    init?(address text: String) {
        if text.contains(":") {
            // The text after a percent sign names an interface of this machine (RFC 6874).
            let address = String(text.prefix { $0 != "%" })
            var bytes = [UInt8](repeating: 0, count: 16)
            guard unsafe inet_pton(AF_INET6, address, &bytes) == 1 else { return nil }
            self = Self.ofIPv6(bytes)
            return
        }
        var address = in_addr()
        guard unsafe inet_aton(text, &address) != 0 else { return nil }
        self = Self.ofIPv4(UInt32(bigEndian: address.s_addr))
    }

    /// The reach of an IPv4 address, given as a number.
    static func ofIPv4(_ address: UInt32) -> Reach {
        func lies(in network: UInt32, _ bits: UInt32) -> Bool { address >> (32 - bits) == network >> (32 - bits) }
        if lies(in: 0x0000_0000, 8) || lies(in: 0x7F00_0000, 8) || lies(in: 0xE000_0000, 3) { return .machine }
        if lies(in: 0xA9FE_0000, 16) { return .link }
        let sites: [(UInt32, UInt32)] = [
            (0x0A00_0000, 8), (0xAC10_0000, 12), (0xC0A8_0000, 16),  // RFC 1918
            (0x6440_0000, 10),  // RFC 6598
            (0xC000_0000, 24), (0xC612_0000, 15),  // RFC 6890, RFC 2544
        ]
        return sites.contains { lies(in: $0.0, $0.1) } ? .site : .world
    }

    /// The reach of an IPv6 address, given as its 16 bytes.
    static func ofIPv6(_ bytes: [UInt8]) -> Reach {
        func number(_ range: Range<Int>) -> UInt32 { bytes[range].reduce(0) { $0 << 8 | UInt32($1) } }
        if endsWithIPv4(bytes) { return ofIPv4(number(12..<16)) }
        switch (bytes[0], bytes[1]) {
        case (0xFF, _): return .machine
        case (0xFE, 0x80...0xBF): return .link
        // fec0::/10 was site-local; fc00::/7 is unique local (RFC 4193); 64:ff9b:1::/48 is the NAT64 of one site (RFC
        // 8215).
        case (0xFE, 0xC0...0xFF), (0xFC...0xFD, _): return .site
        case (0x00, 0x64) where bytes[2] == 0xFF && bytes[3] == 0x9B: return .site
        // 6to4 (RFC 3056), and Teredo (RFC 4380), which writes the address inverted.
        case (0x20, 0x02): return ofIPv4(number(2..<6))
        case (0x20, 0x01) where bytes[2] == 0 && bytes[3] == 0: return ofIPv4(~number(12..<16))
        default: return .world
        }
    }

    /// Whether the last four bytes are an IPv4 address: compatible (::/96, with :: and ::1), mapped (::ffff:0:0/96),
    /// translated (::ffff:0:0:0/96, RFC 2765) or NAT64 (64:ff9b::/96, RFC 6052).
    private static func endsWithIPv4(_ bytes: [UInt8]) -> Bool {
        let zeros = [UInt8](repeating: 0, count: 12)
        var heads = [zeros, zeros, zeros, zeros]
        heads[1].replaceSubrange(10..<12, with: [0xFF, 0xFF])
        heads[2].replaceSubrange(8..<10, with: [0xFF, 0xFF])
        heads[3].replaceSubrange(0..<4, with: [0x00, 0x64, 0xFF, 0x9B])
        return heads.contains(Array(bytes[..<12]))
    }
}
