import Glibc

/// Which hosts of URLs are this machine or its own link, by their text alone: the name service is not asked.
enum LocalHost {
    /// Whether `host`, in lower case and without brackets, is one.
    static func names(_ host: String) -> Bool {
        if host.contains(":") { return sixth(host) }
        // A dot at the end says that a name is complete.
        let name = host.hasSuffix(".") ? String(host.dropLast()) : host
        if name == "localhost" || name.hasSuffix(".localhost") { return true }
        // Takes every spelling of an address: 127.1, 0x7f000001, 2130706433.
        var address = in_addr()
        guard unsafe inet_aton(name, &address) != 0 else { return false }
        return fourth(UInt32(bigEndian: address.s_addr))
    }

    /// 127/8 is this machine, 169.254/16 its link, and Linux takes 0.0.0.0 for this machine; 0/8 is no other's.
    private static func fourth(_ address: UInt32) -> Bool {
        address >> 24 == 127 || address >> 24 == 0 || address >> 16 == 169 << 8 | 254
    }

    private static func sixth(_ text: String) -> Bool {
        // What follows a percent sign names an interface of this machine (RFC 6874).
        let address = String(text.prefix { $0 != "%" })
        var bytes = [UInt8](repeating: 0, count: 16)
        guard unsafe inet_pton(AF_INET6, address, &bytes) == 1 else { return false }
        // fe80::/10
        if bytes[0] == 0xFE, bytes[1] & 0xC0 == 0x80 { return true }
        let last = bytes[12...].reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
        return embeds(bytes) && fourth(last)
    }

    /// Whether the last four bytes are an address of IPv4: compatible (::/96, with :: and ::1), mapped (::ffff:0:0/96),
    /// translated (::ffff:0:0:0/96, RFC 2765) or of NAT64 (64:ff9b::/96, RFC 6052).
    private static func embeds(_ bytes: [UInt8]) -> Bool {
        let zeros = [UInt8](repeating: 0, count: 12)
        var heads = [zeros, zeros, zeros, zeros]
        heads[1].replaceSubrange(10..<12, with: [0xFF, 0xFF])
        heads[2].replaceSubrange(8..<10, with: [0xFF, 0xFF])
        heads[3].replaceSubrange(0..<4, with: [0x00, 0x64, 0xFF, 0x9B])
        return heads.contains(Array(bytes[..<12]))
    }
}
