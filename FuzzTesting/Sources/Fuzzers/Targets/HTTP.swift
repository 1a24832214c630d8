@testable import Transport

/// A reply from any server. The input is the request (24 bytes of choices), then the lines of the head, an empty line
/// and the body.
@Sendable func fuzzHTTP(_ bytes: [UInt8]) {
    var choices = Choices(Array(bytes.prefix(24)))
    var request = HTTPRequest(
        url: choices.element(["https://a.org/x", "http://127.0.0.1:8080/x"]),
        expects: choices.element([.json, .jpeg, .bytes, .any]), maximumBody: choices.element([1 << 20, 100]))
    request.acceptsWholeBody = choices.bool()
    if choices.bool() { request.expectedLength = choices.int(0...200) }
    if choices.bool() { request.ifRange = choices.element(["\"v1\"", "W/\"v1\"", "Sun, 06 Nov 1994 08:49:37 GMT"]) }
    var byteRequest = ByteRequest()
    if choices.bool() {
        let range = choices.range(upTo: 200)
        request.range = range
        (byteRequest.lower, byteRequest.upper) = (range.lowerBound, range.upperBound)
    }
    if choices.bool() { byteRequest.validator = "\"v1\"" }
    if choices.bool() {
        byteRequest.isResume = true
        // Never below the requested range, because the bytes received so far are a part of it.
        byteRequest.lower = choices.int(request.range.map { $0.lowerBound...$0.upperBound } ?? 0...200)
        if choices.bool() { byteRequest.total = choices.int(0...200) }
    }
    let cut = choices.int(1...64)

    var rest = bytes.dropFirst(24)
    var parser = HeadParser(url: request.url, limit: 2048)
    while !rest.isEmpty, parser.head == nil {
        let end = rest.firstIndex(of: 0x0A).map { $0 + 1 } ?? rest.endIndex
        let accepted = Array(rest[..<end]).withUnsafeBytes { parser.take($0) }
        rest = rest[end...]
        guard accepted else { return }
    }
    guard let head = parser.head else { return }
    checkFields(head)
    checkVerdict(
        ReplyJudge(request: request, byteRequest: byteRequest, now: 1e9).judge(head), request, byteRequest, head)
    if let location = head.headers["location"] { checkRedirect(from: request.url, to: location) }

    var check = BodyCheck(kind: request.expects, typeIsKnown: head.contentType != nil)
    while !rest.isEmpty {
        let fault = Array(rest.prefix(cut)).withUnsafeBytes { check.take($0) }
        if fault != nil { return }
        rest = rest.dropFirst(cut)
    }
    _ = check.finish()
}

private func checkFields(_ head: ResponseHead) {
    _ = (head.contentType, head.isEncoded)
    require((100...999).contains(head.status), "a status has three digits")
    if let length = head.contentLength { require(length >= 0, "a length is not negative") }
    if let part = head.contentRange {
        require(part.range.lowerBound >= 0 && !part.range.isEmpty, "a part is not empty")
        require(part.range.upperBound <= part.total ?? .max, "a part lies in the whole")
    }
    if let pause = RetryPolicy.retryAfter(head.headers["retry-after"], now: 1e9) {
        require(pause >= 0 && pause.isFinite, "a pause is a time")
        var configuration = TransportConfiguration()
        configuration.jitterSeed = 1
        var policy = RetryPolicy(configuration)
        let chosen = policy.pause(afterAttempt: head.status, retryAfter: pause)
        require(chosen <= max(policy.ceiling, policy.retryAfterCeiling), "a pause is bounded")
    }
    for name in ["last-modified", "date", "expires"] { _ = head.headers[name].flatMap(HTTPDate.parse) }
}

private func checkVerdict(_ verdict: Verdict, _ request: HTTPRequest, _ asked: ByteRequest, _ head: ResponseHead) {
    guard case .deliver(let restarts, let length) = verdict else { return }
    require(head.status == 200 || head.status == 206, "only a success is delivered")
    if let length { require(length <= request.maximumBody, "no body above the limit is delivered") }
    if head.status == 206, let part = head.contentRange {
        require(!restarts && part.range.lowerBound == asked.lower, "a part begins where it was asked to")
        require(part.range.upperBound <= asked.upper ?? .max, "a part ends where it was asked to, or before")
    }
    if head.status == 200, request.range != nil { require(request.acceptsWholeBody, "a whole body was agreed to") }
}

private func checkRedirect(from source: String, to target: String) {
    let reach = URLParts(source).flatMap { Reach(host: $0.host) } ?? .world
    let decision = RedirectPolicy.decide(
        from: source, reach: reach, to: target, visited: [source], limit: 5, allowDowngrade: false)
    guard case .follow(let next) = decision, let from = URLParts(source), let parts = URLParts(next) else {
        if case .follow(let next) = decision { require(false, "only a usable URL is followed: \(next)") }
        return
    }
    require(from.scheme == "http" || parts.scheme == "https", "https is not left")
    require(Reach(host: parts.host) ?? .world >= reach, "no server sends us to an address of narrower reach")
    require(next != source, "no redirect to itself is followed")
}
