internal import Specimens
package import Support

/// Why the catalogue could not read a reply or its own store.
package enum CatalogueError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The reply is no JSON, or ends before its end.
    case notJSON(cause: JSONError, beginning: String)
    /// The reply is a web page, as the API sends on some failures with any status.
    case webPage(title: String?)
    /// The API refused the query (`success` is false) and says why.
    case refused(message: String)
    /// The reply is JSON, but not the envelope that every reply to a query has.
    case malformedReply(String)
    /// Fewer or more rows than the API counts.
    case incomplete(expected: Int, got: Int)
    /// A cell list without one usable row, which would empty the whole tree.
    case noUsableRows(rows: Int)
    /// A cell list that lacks more than a tenth of what is known.
    case losesTooMuch(CatalogueLoss)
    /// SQLite failed; `code` is its extended result code.
    case database(operation: String, code: Int, message: String)
    /// The store's file is damaged, and an empty one in its place failed, too.
    case damaged(path: String, message: String)
    /// A file of the store could not be moved aside.
    case file(path: String, cause: Errno)
    /// A link or the like stands in place of a file of the store; a person must remove it.
    case planted(path: String, cause: FileFault)
    /// The store has been closed.
    case closed

    /// One sentence for a person.
    package var description: String {
        switch self {
        case .notJSON(let cause, let beginning): "the reply is \(cause) (it begins with \"\(beginning)\")"
        case .webPage(let title): "the reply is a web page\(title.map { ": \($0)" } ?? "")"
        case .refused(let message): "the API refused the query: \(message)"
        case .malformedReply(let reason): "the reply is not an RMA envelope: \(reason)"
        case .incomplete(let expected, let got): "\(got) rows arrived where the API counts \(expected)"
        case .noUsableRows(let rows): "none of the \(rows) rows of the cell list is usable"
        case .losesTooMuch(let loss): "\(loss); if that is right, take it with `neuronfs sync --accept`"
        case .database(let operation, let code, let message): "\(operation): SQLite error \(code): \(message)"
        case .damaged(let path, let message): "the catalogue \(path) is damaged: \(message)"
        case .file(let path, let cause): "\(path): \(cause)"
        case .planted(let path, let cause): "the catalogue \(path) cannot be used: \(cause)"
        case .closed: "the catalogue is closed"
        }
    }
}

extension SourceError {
    /// The error as callers outside of this source see it.
    init(_ error: CatalogueError) {
        let kind: Kind =
            switch error {
            case .notJSON, .webPage, .refused, .malformedReply, .incomplete, .noUsableRows, .losesTooMuch: .unusable
            case .database, .damaged, .file, .planted, .closed: .failed
            }
        self.init(kind, "\(error)", cause: error)
    }
}
