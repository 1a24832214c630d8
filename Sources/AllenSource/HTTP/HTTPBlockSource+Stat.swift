internal import Logging
package import Specimens
package import Support
internal import Transport

// How long an object is, and of which version.
extension HTTPBlockSource {
    /// How to learn the length of an object.
    private enum LengthProbe {
        /// Asks for its first byte: `Content-Range` must fit the range, so a reply that lies about the length has to lie
        /// twice. Also the only way that is sure to work where HEAD is refused or answered without a length.
        case firstByte
        /// Asks by HEAD: what is made on request, and what a server without ranges has.
        case head
        /// Fetches the object whole and counts its bytes.
        case whole
    }

    package func stat(
        _ object: SourceObject, counts: Bool, token: CancellationToken
    ) -> Promise<ObjectRecord, SourceError> {
        ask(object, counts ? .whole : object.frame == nil ? .firstByte : .head, token: token)
    }

    private func ask(
        _ object: SourceObject, _ probe: LengthProbe, token: CancellationToken
    ) -> Promise<ObjectRecord, SourceError> {
        let isPicture = object.frame != nil
        var request = HTTPRequest(
            url: address(of: object), expects: isPicture ? .jpeg : .bytes, maximumBody: Self.largestUnsizedFile)
        request.object = "\(object.id)"
        if probe == .head { request.method = .head }
        if probe == .firstByte { request.range = 0..<1 }
        let (promise, resolver) = Promise<ObjectRecord, SourceError>.pending()
        network.ask(request, timeout: timeout, token: token, on: workers, logger: logger).whenDone { [self] outcome in
            switch outcome {
            case .failure(let error):
                let cause = error.cause as? TransportError
                let next: LengthProbe? =
                    switch probe {
                    case .firstByte where cause?.saysNoRanges == true: .head
                    case .head where cause?.refusesMethod == true: .whole
                    case .firstByte, .head, .whole: nil
                    }
                guard let next else { return _ = resolver.resolve(.failure(error)) }
                ask(object, next, token: token).whenDone { resolver.resolve($0) }
            case .success(let response):
                let length: Int? =
                    switch probe {
                    case .firstByte: response.head.contentRange?.total
                    case .head: response.head.contentLength
                    case .whole: response.body.count
                    }
                guard let length else {
                    return ask(object, probe == .firstByte ? .head : .whole, token: token)
                        .whenDone { resolver.resolve($0) }
                }
                resolver.resolve(record(of: object, length, response, isWhole: probe == .whole))
            }
        }
        return promise
    }

    private func record(
        of object: SourceObject, _ length: Int, _ response: HTTPResponse, isWhole: Bool
    ) -> Result<ObjectRecord, SourceError> {
        func unusable(_ reason: String) -> Result<ObjectRecord, SourceError> {
            .failure(SourceError(.unusable, "\(address(of: object)): \(reason)"))
        }
        let head = response.head
        if isWhole {
            do throws(BlockFault) {
                _ = try codec.decode(response.body, .picture(length: length), of: object)
            } catch {
                return unusable(error.reason)
            }
        }
        guard length <= (object.frame != nil ? Self.largestUnsizedFile : Self.longestFile) else {
            return unusable("\(length) bytes cannot be true")
        }
        // A machine on the way that answers for the server says no more than this.
        guard length > 0 || head.validator != "" else { return unusable("no bytes, and of no version") }
        return .success(
            ObjectRecord(
                id: object.id, length: length, tag: head.etag, date: head.lastModified,
                modified: head.lastModified.flatMap(HTTPDate.parse).map(Double.init), contentType: head.contentType,
                checkedAt: wallClockSeconds()))
    }

    /// The most bytes of a file whose length the server does not tell (64 MiB): only projections are made on request, and
    /// the largest frame (632 Mpx) takes about 30 MB.
    private static let largestUnsizedFile = 64 << 20

    /// The longest file that is possible, bytes (1 PiB): a recording has less than 2 GB, and no sum or product that is made
    /// of a length below this overflows.
    private static let longestFile = 1 << 50
}

extension Network {
    /// Makes one metadata request, unless its host is not to be asked.
    ///
    /// - Parameters:
    ///   - deadline: when it is given up; `timeout` seconds from now without one.
    /// - Returns: the reply, on one of `workers`: parsing megabytes is no work for the transport thread.
    func ask(
        _ request: HTTPRequest, by deadline: Instant? = nil, timeout: Double, token: CancellationToken,
        on workers: WorkerPool, logger: Logger
    ) -> Promise<HTTPResponse, SourceError> {
        if let outage = outage(of: request.url) {
            return Promise(.failure(SourceError(.outage(outage), "\(URLText.shown(request.url)): \(outage)")))
        }
        var request = request
        request.deadline = deadline ?? .now.advanced(bySeconds: timeout)
        request.isMetadata = true
        request.requestID = token.requestID
        let (promise, resolver) = Promise<HTTPResponse, SourceError>.pending()
        let exchange = start(request) { outcome in
            let queued = workers.submit {
                if case .failure(let error) = outcome, token.requestID != 0 {
                    logger.warning("\(error)", metadata: ["request": "\(token.requestID)"])
                }
                resolver.resolve(outcome.mapError { SourceError($0) })
            }
            if !queued { resolver.resolve(.failure(.shutDown)) }
        }
        token.onCancel { exchange.cancel() }
        return promise
    }
}

extension TransportError {
    /// Whether a file may be had from this server, but not its first byte alone. 416 is the reply about an empty file
    /// (RFC 9110, 15.5.17).
    fileprivate var saysNoRanges: Bool {
        switch self {
        case .rangeIgnored, .status(416, _), .status(501, _): true
        default: false
        }
    }

    /// Whether the server has no HEAD for this file (RFC 9110, 15.5.6 and 15.6.2).
    fileprivate var refusesMethod: Bool {
        switch self {
        case .status(405, _), .status(501, _): true
        default: false
        }
    }
}
