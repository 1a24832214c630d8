import Glibc

/// Chooses the proxy of an origin. libcurl reads the same variables, but does not tell its choice. The choice matters
/// because, behind a proxy, the connected address is that of the proxy.
///
/// <https://curl.se/libcurl/c/libcurl-env.html>, and CURLOPT_NOPROXY for the form of `no_proxy`.
package struct ProxyChoice: Sendable {
    private let byScheme: [String: String]
    private let exceptions: [String]

    /// The choice that the environment makes.
    package init() { self.init { name in unsafe getenv(name).map { unsafe String(cString: $0) } } }

    /// One proxy for all origins; "" for none.
    init(fixed proxy: String) {
        byScheme = ["http": proxy, "https": proxy]
        exceptions = []
    }

    /// - Parameter variable: the value of an environment variable.
    init(variable: (String) -> String?) {
        func first(_ names: [String]) -> String? { names.compactMap(variable).first { !$0.isEmpty } }
        var byScheme: [String: String] = [:]
        // HTTP_PROXY is not read: a CGI program would take it from a header of its client.
        byScheme["http"] = first(["http_proxy", "all_proxy", "ALL_PROXY"])
        byScheme["https"] = first(["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"])
        self.byScheme = byScheme
        exceptions = (first(["no_proxy", "NO_PROXY"]) ?? "").split { $0 == "," || $0 == " " }.map {
            $0.lowercased()
        }
    }

    /// The URL of the proxy for the origin of `url`; nil when there is none, or `url` is unusable.
    package func proxy(forURL url: String) -> String? { URLParts(url).flatMap { proxy(for: $0) } }

    /// The URL of the proxy for an origin; nil when there is none.
    func proxy(for origin: URLParts) -> String? {
        guard let proxy = byScheme[origin.scheme], !proxy.isEmpty else { return nil }
        let host = origin.host.hasSuffix(".") ? String(origin.host.dropLast()) : origin.host
        return exceptions.contains { Self.matches(host, $0) } ? nil : proxy
    }

    /// Whether an entry of `no_proxy` matches `host`. An entry is `*` for all, a name with the names below it, an
    /// address, or a network.
    private static func matches(_ host: String, _ entry: String) -> Bool {
        if entry == "*" { return true }
        if let address = bytes(host) {
            let parts = entry.split(separator: "/", maxSplits: 1)
            guard let network = parts.first.flatMap({ bytes(String($0)) }), network.count == address.count else {
                return false
            }
            let bits = parts.count == 2 ? Int(parts[1]) : 8 * network.count
            guard let bits, (0...8 * network.count).contains(bits) else { return false }
            return (0..<bits).allSatisfy { bit in (address[bit / 8] ^ network[bit / 8]) & (0x80 >> (bit % 8)) == 0 }
        }
        var name = entry
        if name.hasSuffix(".") { name.removeLast() }
        if name.hasPrefix(".") { name.removeFirst() }
        return !name.isEmpty && (host == name || host.hasSuffix("." + name))
    }

    /// The bytes of an address of IPv4 or IPv6; nil for a name.
    private static func bytes(_ text: String) -> [UInt8]? {
        for (family, count) in [(AF_INET, 4), (AF_INET6, 16)] {
            var bytes = [UInt8](repeating: 0, count: count)
            if unsafe inet_pton(family, text, &bytes) == 1 { return bytes }
        }
        return nil
    }
}
