/// The bytes that one HTTP exchange asks for: the request's, or the rest of a transfer that was cut.
struct ByteRequest {
    /// The first byte, counted from the start of the file; `nil` for no `Range` header.
    var lower: Int?
    /// The end (exclusive); `nil` for the rest of the file.
    var upper: Int?
    /// The validator of the expected version.
    var validator: String?
    /// Whether the reply continues bytes received before.
    var isResume = false
    /// The length of the file in bytes, when an earlier reply of this transfer named it.
    var total: Int?

    /// The value of `If-Range`. It is sent when a range is asked for and the validator can guard it: a strong tag with
    /// its quotes, or a date (RFC 9110, 13.1.5). The reply is compared with every validator, also with one that is not
    /// sent.
    var ifRange: String? {
        guard lower != nil, let validator, validator.hasPrefix("\"") || Self.isDate(validator),
            validator.utf8.allSatisfy({ $0 >= 0x20 && $0 < 0x7F })
        else { return nil }
        return validator
    }

    /// Whether `validator` is a `Last-Modified` date. Every other text is a tag, also one that lacks its quotes.
    static func isDate(_ validator: String) -> Bool {
        !validator.hasPrefix("\"") && !validator.hasPrefix("W/") && HTTPDate.parse(validator) != nil
    }
}

/// What to do with a reply. Its head alone decides, before any byte of the body is used.
enum Verdict {
    /// Take the body. `restarts` discards the bytes received before. `length` is the length of the body if the head
    /// names it.
    case deliver(restarts: Bool, length: Int?)
    /// Send the request again, to the URL that the reply names.
    case redirect
    /// The exchange has failed. The body is short, and reading it keeps the connection open.
    case drain(Fault)
    /// The exchange has failed. The body may be long, and is not read.
    case abort(Fault)
}

/// Compares every part of a reply's head with the request: status, type, encoding, version, range and length.
struct ReplyJudge {
    let request: HTTPRequest
    let byteRequest: ByteRequest
    /// Seconds since 1970, for `Retry-After` dates.
    let now: Double

    func judge(_ head: ResponseHead) -> Verdict {
        if [301, 302, 303, 307, 308].contains(head.status), head.headers["location"] != nil { return .redirect }
        guard head.status == 200 || head.status == 206 else { return .drain(statusFault(head)) }
        if let fault = typeFault(head) ?? encodingFault(head) { return .abort(fault) }
        if let fault = versionFault(head) { return .abort(fault) }
        return head.status == 206 ? judgePart(head) : judgeWhole(head)
    }

    private func statusFault(_ head: ResponseHead) -> Fault {
        var fault = Fault(.status, "HTTP status \(head.status)")
        fault.status = head.status
        fault.retryAfter = RetryPolicy.retryAfter(head.headers["retry-after"], now: now)
        // The file may have become shorter, so that the rest of a cut body is refused. A fresh start finds out.
        if byteRequest.isResume, head.status == 416 || head.status == 412 {
            return Fault(.truncated, "the rest of the body was refused (HTTP status \(head.status))", voidsBody: true)
        }
        return fault
    }

    private func typeFault(_ head: ResponseHead) -> Fault? {
        guard let type = head.contentType else { return nil }
        let fits =
            switch request.expects {
            case .json:
                ["application/json", "text/json", "text/javascript"].contains(type)
                    || (type.hasPrefix("application/") && type.hasSuffix("+json"))
            case .jpeg: type == "image/jpeg" || type == "image/jpg"
            case .bytes: type != "text/html" && type != "application/xhtml+xml"
            case .any: true
            }
        return fits ? nil : Fault(.badShape, "\(type) in place of \(request.expects.rawValue)")
    }

    private func encodingFault(_ head: ResponseHead) -> Fault? {
        switch head.encoding {
        case "identity", "": nil
        case "gzip", "x-gzip": request.expects == .json ? nil : Fault(.badShape, "compressed without being asked")
        default: Fault(.badShape, "unknown compression \(head.encoding.prefix(40))")
        }
    }

    /// The fault of a reply about a version other than the expected one, or than the one that a cut transfer began
    /// with.
    private func versionFault(_ head: ResponseHead) -> Fault? {
        guard let expected = request.ifRange ?? byteRequest.validator else { return nil }
        let present = ByteRequest.isDate(expected) ? head.lastModified : head.etag
        if let present {
            if Self.opaque(present) == Self.opaque(expected) { return nil }
        } else if head.status == 206 ? byteRequest.ifRange != nil : request.range == nil {
            // A part need not repeat the validator that was sent: with `If-Range`, status 206 itself promises the
            // version.
            return nil
        }
        if request.ifRange == nil {
            // No byte of the earlier try has reached the caller yet, so a whole new reply is as good. A part is not.
            return head.status == 200 ? nil : Fault(.truncated, "the file changed while it was read", voidsBody: true)
        }
        var fault = Fault(.changed, "the file changed (\(expected) is now \(present ?? "unknown"))")
        fault.etag = head.etag
        // A page that a device on the way made up has no validator either.
        fault.isDoubtful = present == nil
        return fault
    }

    private static func opaque(_ validator: String) -> Substring {
        validator.hasPrefix("W/") ? validator.dropFirst(2) : Substring(validator)
    }

    private func judgePart(_ head: ResponseHead) -> Verdict {
        guard let lower = byteRequest.lower else {
            return .abort(Fault(.wrongRange, "a part in reply to a request for the whole"))
        }
        guard let got = head.contentRange else {
            return .abort(Fault(.wrongRange, "HTTP status 206 without a usable Content-Range"))
        }
        let description = "bytes \(got.range.lowerBound)-\(got.range.upperBound - 1)"
        let end = byteRequest.upper ?? byteRequest.total ?? got.total ?? got.range.upperBound
        guard got.range.lowerBound == lower, got.range.upperBound == end || got.range.upperBound == got.total,
            got.range.upperBound <= end
        else { return .abort(Fault(.wrongRange, "\(description) in reply to a request for \(lower)-\(end - 1)")) }
        if let before = byteRequest.total, let total = got.total, before != total {
            return .abort(Fault(.truncated, "the file's length changed while it was read", voidsBody: true))
        }
        if let expected = request.totalLength, let total = got.total, total != expected {
            var fault = Fault(.changed, "the file has \(total) bytes, not \(expected)")
            fault.etag = head.etag
            fault.isDoubtful = true
            return .abort(fault)
        }
        if let length = head.contentLength, !head.isEncoded, length != got.range.count {
            return .abort(Fault(.wrongLength, "Content-Length \(length) for a range of \(got.range.count) bytes"))
        }
        let whole = got.range.upperBound - (request.range?.lowerBound ?? 0)
        if let fault = lengthFault(whole, isEncoded: head.isEncoded) { return .abort(fault) }
        return .deliver(restarts: false, length: head.isEncoded ? nil : got.range.count)
    }

    private func judgeWhole(_ head: ResponseHead) -> Verdict {
        let length = head.isEncoded ? nil : head.contentLength
        if request.range != nil {
            guard request.acceptsWholeBody else {
                var fault = Fault(.rangeIgnored, "the server ignores ranges")
                fault.totalLength = length
                return .abort(fault)
            }
            if let length, let fault = tooLarge(length) { return .abort(fault) }
        } else if let length = head.contentLength, let fault = lengthFault(length, isEncoded: head.isEncoded) {
            return .abort(fault)
        }
        return .deliver(restarts: byteRequest.isResume, length: length)
    }

    private func lengthFault(_ length: Int, isEncoded: Bool) -> Fault? {
        if let fault = tooLarge(length) { return fault }
        guard !isEncoded, let expected = request.expectedLength, expected != length else { return nil }
        return Fault(.wrongLength, "\(length) bytes announced in place of \(expected)")
    }

    private func tooLarge(_ length: Int) -> Fault? {
        guard request.method == .get, length > request.maximumBody else { return nil }
        var fault = Fault(.tooLarge, "a body of \(length) bytes exceeds the limit of \(request.maximumBody)")
        fault.limit = request.maximumBody
        return fault
    }
}
