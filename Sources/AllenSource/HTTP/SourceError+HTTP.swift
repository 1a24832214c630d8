internal import Specimens
internal import Transport

extension SourceError {
    /// The error of a request.
    init(_ error: TransportError) {
        let kind: Kind =
            switch error {
            case .changed(let etag, _): .changed(etag)
            case .noReply, .stalled: .timedOut
            case .deadlineExceeded: .deadlineExceeded
            case .wrongLength, .tooLarge: .wrongLength
            case .cancelled: .cancelled
            case .shutDown: .shutDown
            case .invalidRequest, .unresolvedHost, .connectFailed, .reset, .truncated, .status, .badShape, .wrongRange,
                .rangeIgnored, .redirectRefused, .tls, .refusedBySink:
                .failed
            }
        self.init(kind, "\(error)", cause: error)
    }
}
