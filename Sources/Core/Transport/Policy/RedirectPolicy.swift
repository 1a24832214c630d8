/// Which redirects are followed.
///
/// - Only to http and https, without user name and password in the URL.
/// - To any host: origins move files to other servers. But not to an address of narrower reach than that of the server
///   that sends us there (see ``Reach``). A name is judged by the address that is connected to (``Leg``); behind a
///   proxy, which alone knows that address, by its text.
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
    ///   - reach: of the server that sends us on.
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
        // The first entry of `visited` is no hop.
        if visited.count > limit { return .refuse("more than \(limit) redirects") }
        return .follow(next)
    }

    /// Why a redirect to `host`, whose address has the reach `near`, is not followed.
    static func refusal(of host: String, _ near: Reach, from reach: Reach) -> String {
        "redirect from \(reach.name) to \(near.name) (\(host)), which a server there may not ask for"
    }
}
