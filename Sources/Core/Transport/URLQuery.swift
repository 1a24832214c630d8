/// Percent-encoding of query text.
public enum URLQuery {
    /// Encodes an RMA URL or criteria string as UTF-8.
    ///
    /// Kept are RFC 3986's unreserved characters and `;/?:@&=+,`: what AllenSDK keeps, except `$`. A layer that
    /// swallows a literal `$eq` makes RMA answer with a different, larger result and no error, so `$` becomes `%24`.
    /// `%` is encoded too: the text must not be encoded already.
    public static func percentEncode(_ text: String) -> String {
        var encoded: [UInt8] = []
        encoded.reserveCapacity(text.utf8.count * 3 / 2)
        for byte in text.utf8 {
            if isKept(byte) {
                encoded.append(byte)
            } else {
                encoded.append(UInt8(ascii: "%"))
                encoded.append(hexDigit(byte >> 4))
                encoded.append(hexDigit(byte & 0xF))
            }
        }
        return String(decoding: encoded, as: UTF8.self)
    }

    private static func hexDigit(_ nibble: UInt8) -> UInt8 { nibble < 10 ? 48 + nibble : 55 + nibble }

    private static func isKept(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        default:
            Array("-._~;/?:@&=+,".utf8).contains(byte)
        }
    }
}
