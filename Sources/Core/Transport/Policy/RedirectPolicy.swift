/// Decides which redirects are followed.
///
/// - Only redirects to http and https, without user name and password in the URL.
/// - Redirects to any host, because origins move files to other servers. But the new address must not have a narrower
///   reach than the server that redirects (see ``Reach``). For a name, the connected address is judged
///   (``HTTPExchange``). Behind a proxy, which alone knows that address, the name itself is judged.
/// - Never from https to http, unless a setting allows it. When a redirect changes only the scheme, on the same host
///   and the standard ports, it is followed over https. Image services are known to name themselves by http.
/// - Each URL once a try, and at most a given number of hops.
enum RedirectPolicy {
    enum Decision: Equatable {
        case follow(String)
        case refuse(String)
    }

    /// Judges one hop.
    ///
    /// - Parameters:
    ///   - reach: the reach of the server that redirects.
    ///   - visited: every URL of this try so far, `source` included.
    ///   - limit: hops allowed in a try.
    static func decide(
        from source: String, reach: Reach, to target: String, visited: [String], limit: Int, allowDowngrade: Bool
    ) -> Decision {
        guard let from = URLParts(source), let to = URLParts(target) else {
            return .refuse("redirect to an unusable URL (\(URLText.shown(target)))")
        }
        if let near = Reach(host: to.host), near < reach { return .refuse(refusal(of: to.host, near, from: reach)) }
        var next = target
        if from.scheme == "https", to.scheme == "http", !allowDowngrade {
            guard to.host == from.host, to.port == 80, from.port == 443 else {
                return .refuse("redirect from https to http (\(to.host)), which --allow-http-redirects follows")
            }
            let host = to.host.contains(":") ? "[\(to.host)]" : to.host
            next = "https://\(host)\(to.rest)"
        }
        if visited.contains(next) { return .refuse("redirect loop (\(visited.count) hops)") }
        // The first entry of `visited` is the request's own URL, which is no hop.
        if visited.count > limit { return .refuse("more than \(limit) redirects") }
        return .follow(next)
    }

    /// The reason for refusing a redirect to `host`, whose address has the reach `near`.
    static func refusal(of host: String, _ near: Reach, from reach: Reach) -> String {
        "redirect from \(reach.name) to \(near.name) (\(host)); only --endpoint can name a server there"
    }
}
