internal import FileTree
internal import Logging
internal import Support

/// Logs requests that fail.
///
/// A program that repeats a failed request at once may fail thousands of times a second, each time for the same reason.
/// So a failure that was logged less than a second ago is counted, and the count is logged when the second is over. A
/// fault that its source has logged for all requests has no further line. At the level debug every failure has its line,
/// because there a request is followed by its id.
final class FailureLog: Sendable {
    private struct Failure: Hashable {
        var subject: RequestSubject
        var errno: Errno
    }

    private struct Repeats {
        /// When the count is logged.
        var due: Instant
        var count = 0
        /// The id of the last such request.
        var request: UInt64 = 0
        var reason: String
    }

    private let recent = Monitor<[Failure: Repeats]>([:])
    private let logger: Logger
    private let path: @Sendable (InodeNumber) -> String?

    /// Seconds for which the same failure is not logged again.
    private static let window = 1.0
    /// The number of failures remembered. Failures of more files than this at a time are all logged.
    private static let limit = 1024

    /// - Parameter path: the path of an inode, for the log.
    init(logger: Logger, path: @escaping @Sendable (InodeNumber) -> String?) {
        self.logger = logger
        self.path = path
    }

    /// Writes one line for a request that fails, or none. The lines of the layers below carry the same request id.
    func note(_ error: FileTreeError, of subject: RequestSubject, request: UInt64) {
        let failure = Failure(subject: subject, errno: error.errno)
        let due = Instant.now.advanced(bySeconds: Self.window)
        let isNew = recent.withLock { recent in
            if error.isLogged { return false }
            if recent[failure] != nil {
                recent[failure]?.count += 1
                recent[failure]?.request = request
                return false
            }
            if recent.count < Self.limit { recent[failure] = Repeats(due: due, reason: "\(error)") }
            return true
        }
        logger.log(
            level: isNew ? .warning : .debug, "\(error)",
            metadata: fields(subject, request: request, ["errno": "\(error.errno)"]))
    }

    /// Logs the counts whose second is over by `now`, or all counts.
    func tellRepeats(_ now: Instant, all: Bool = false) {
        let due = recent.withLock { recent in
            let due = recent.filter { all || $0.value.due <= now }
            for (failure, repeats) in due {
                let next = Repeats(due: now.advanced(bySeconds: Self.window), reason: repeats.reason)
                recent[failure] = repeats.count > 0 ? next : nil
            }
            return due
        }
        for (failure, repeats) in due where repeats.count > 0 {
            logger.warning(
                "\(repeats.reason)",
                metadata: fields(
                    failure.subject, request: repeats.request,
                    ["errno": "\(failure.errno)", "repeated": "\(repeats.count)"]))
        }
    }

    /// The log fields that identify a request, with the fields of `more`.
    func fields(_ subject: RequestSubject, request: UInt64, _ more: Logger.Metadata) -> Logger.Metadata {
        var fields = more
        fields["request"] = "\(request)"
        fields["operation"] = "\(subject.operation)"
        fields["inode"] = "\(subject.inode.rawValue)"
        if let path = path(subject.inode) { fields["path"] = "\(subject.name.map { "\(path)/\($0)" } ?? path)" }
        return fields
    }
}
