import Glibc
import Support
import Transport

/// Examines whether a server accepts connections.
enum EndpointCheckup {
    /// Seconds to wait for a connection.
    private static let patience = 3.0

    static func finding(_ url: String) -> Finding {
        if let proxy = ProxyChoice().proxy(forURL: url) {
            let shown = URLText.shown(proxy)
            return .note("\(url) is reached through the proxy \(shown), which was not tried", cure: "curl -sSI \(url)")
        }
        guard let (host, port) = address(url) else { return .bad("\(url) is no URL", cure: "correct --endpoint") }
        do throws(Unreachable) {
            try connect(host, port)
            return .ok("\(host):\(port) accepts connections")
        } catch {
            return .bad(
                "\(host):\(port) cannot be reached: \(error.reason)",
                cure: "curl -sSI \(url)   (--offline serves what is cached)")
        }
    }

    /// Host and port of an http or https URL.
    static func address(_ url: String) -> (host: String, port: String)? {
        guard let scheme = url.firstRange(of: "://") else { return nil }
        var authority = url[scheme.upperBound...].prefix { $0 != "/" && $0 != "?" }
        if let at = authority.lastIndex(of: "@") { authority = authority[authority.index(after: at)...] }
        let standard = url.hasPrefix("https:") ? "443" : "80"
        if authority.hasPrefix("["), let end = authority.firstIndex(of: "]") {
            let host = authority[authority.index(after: authority.startIndex)..<end]
            let rest = authority[authority.index(after: end)...]
            return (String(host), rest.hasPrefix(":") ? String(rest.dropFirst()) : standard)
        }
        let parts = authority.split(separator: ":", maxSplits: 1)
        guard let host = parts.first else { return nil }
        return (String(host), parts.count == 2 ? String(parts[1]) : standard)
    }

    private struct Unreachable: Error {
        var reason: String
    }

    private static func connect(_ host: String, _ port: String) throws(Unreachable) {
        var hints = unsafe addrinfo()
        unsafe hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var list: UnsafeMutablePointer<addrinfo>?
        let code = unsafe getaddrinfo(host, port, &hints, &list)
        guard code == 0 else { throw Unreachable(reason: unsafe String(cString: gai_strerror(code))) }
        defer { unsafe freeaddrinfo(list) }
        var reason = Errno(rawValue: EADDRNOTAVAIL)
        var next = unsafe list
        while let entry = unsafe next {
            do throws(Errno) {
                return try unsafe connect(entry.pointee)
            } catch {
                reason = error
            }
            unsafe next = entry.pointee.ai_next
        }
        throw Unreachable(reason: "\(reason)")
    }

    private static func connect(_ address: addrinfo) throws(Errno) {
        let kind = unsafe address.ai_socktype | Int32(SOCK_NONBLOCK.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
        let socket = unsafe socket(address.ai_family, kind, address.ai_protocol)
        guard socket >= 0 else { throw .current }
        defer { close(socket) }
        if unsafe Glibc.connect(socket, address.ai_addr, address.ai_addrlen) == 0 { return }
        guard errno == EINPROGRESS else { throw .current }
        var poll = pollfd(fd: socket, events: Int16(POLLOUT), revents: 0)
        guard unsafe Glibc.poll(&poll, 1, Int32(patience * 1000)) > 0 else { throw Errno(rawValue: ETIMEDOUT) }
        var error: Int32 = 0
        var length = socklen_t(MemoryLayout<Int32>.size)
        unsafe getsockopt(socket, SOL_SOCKET, SO_ERROR, &error, &length)
        guard error == 0 else { throw Errno(rawValue: error) }
    }
}
