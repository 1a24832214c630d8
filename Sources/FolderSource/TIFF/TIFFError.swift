package import Specimens

/// Why bytes are no TIFF that is read here.
package struct TIFFFault: Error, Equatable, Sendable {
    /// A clause for the log.
    package let reason: String

    /// A fault.
    package init(_ reason: String) { self.reason = reason }
}

/// Why a TIFF, or a part of it, could not be read.
package enum TIFFError: Error, Sendable, CustomStringConvertible {
    /// The bytes are damaged, or of a kind that is not read. The same bytes give the same fault.
    case fault(TIFFFault)
    /// The bytes did not come.
    case source(SourceError)

    /// A clause for the log.
    package var description: String {
        switch self {
        case .fault(let fault): fault.reason
        case .source(let error): error.description
        }
    }
}
