import Glibc
import Support

/// Why there is no label volume.
package struct LabelWritingError: Error, CustomStringConvertible {
    /// What has to change before a second attempt.
    package enum Kind: Sendable {
        /// The input, an option, or the place of the output.
        case request
        /// The disk, or the rights on it: writing failed.
        case output
        /// Nothing: the caller stopped the job (``LabelProgress``).
        case stopped
    }

    package let kind: Kind
    /// One sentence: what happened, why, and what to do where that is not evident.
    package let description: String
    /// The error of the layer below; nil when the fault was found here.
    package let cause: (any Error)?

    private init(_ kind: Kind, _ description: String, cause: (any Error)? = nil) {
        self.kind = kind
        self.description = description
        self.cause = cause
    }

    /// An input, an option or a place that cannot be used.
    static func request(_ sentence: String, cause: (any Error)? = nil) -> Self {
        Self(.request, sentence, cause: cause)
    }

    /// An input file that cannot be read.
    static func cannotRead(_ path: String, _ cause: any Error) -> Self {
        Self(.request, "cannot read \(path): \(cause)", cause: cause)
    }

    /// An output that cannot be written.
    static func cannotWrite(_ path: String, _ cause: Errno) -> Self {
        // The limit on the size of files is met more often than the file system's own.
        let cure = cause.rawValue == EFBIG ? "; raise the limit on the size of files (ulimit -f)" : ""
        return Self(.output, "cannot write \(path): \(cause)\(cure)", cause: cause)
    }

    /// The end of a job that the caller stopped.
    static var stopped: Self { Self(.stopped, "interrupted: nothing was written") }
}
