/// Which redirects are followed.
///
/// - Only to http and https, without user name and password in the URL.
/// - To any host: origins move files to other servers, and no request carries a secret. But a server elsewhere may
///   not send us to this machine or its link (see ``LocalHost``): those are never its to name.
///   The check reads the URL, not the name service.
/// - Never from https to http, unless allowed. A redirect that differs only so, on the same host and the standard
///   ports, is followed over https instead: the Allen image service is known to name itself by http.
/// - Each URL once a try, and at most so many hops.
enum RedirectPolicy {
    enum Decision: Equatable {
        case follow(String)
        case refuse(String)
    }

    /// Judges one hop.
    ///
    /// - Parameters:
    ///   - visited: every URL of this try so far, `source` included.
    ///   - limit: hops allowed in a try.
    static func decide(
        from source: String, to target: String, visited: [String], limit: Int, allowDowngrade: Bool
    ) -> Decision {
        guard let from = URLParts(source), let to = URLParts(target) else {
            return .refuse("redirect to an unusable URL (\(target.prefix(200)))")
        }
        if to.isLocal && !from.isLocal { return .refuse("redirect to this machine (\(to.host))") }
        var next = target
        if from.scheme == "https", to.scheme == "http", !allowDowngrade {
            guard to.host == from.host, to.port == 80, from.port == 443 else {
                return .refuse("redirect from https to http (\(to.host)), which --allow-http-redirects follows")
            }
            let host = to.host.contains(":") ? "[\(to.host)]" : to.host
            next = "https://\(host)\(to.rest)"
        }
        if visited.contains(next) { return .refuse("redirect loop (\(visited.count) hops)") }
        // The first entry of `visited` is no hop.
        if visited.count > limit { return .refuse("more than \(limit) redirects") }
        return .follow(next)
    }
}
