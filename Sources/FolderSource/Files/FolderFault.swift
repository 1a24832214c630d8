internal import Specimens
internal import Support

/// Why a file of a folder, or the folder itself, cannot be used.
enum FolderFault: Error, Equatable {
    /// The folder itself is not there, or does not answer.
    case unreachable(String)
    /// The folder has no such file.
    case missing
    /// The name must not be read: a clause.
    case refused(String)
    /// The file system reports an error.
    case system(Errno)
    /// The file is damaged, or of a kind that is not read: a clause.
    case damaged(String)
    /// The file is another than the one that was opened. The version it has now; nil where none is known.
    case changed(FileVersion?)
    /// The file has fewer bytes than it had.
    case tooShort
    /// The read was given up.
    case cancelled
    /// The mount ends.
    case shutDown

    /// A clause for the log.
    var description: String {
        switch self {
        case .unreachable(let reason), .refused(let reason), .damaged(let reason): reason
        case .missing: "there is no such file"
        case .system(let reason): "\(reason)"
        case .changed: "it has changed"
        case .tooShort: "it is shorter than it was"
        case .cancelled: SourceError.cancelled.description
        case .shutDown: SourceError.shutDown.description
        }
    }

    /// Whether the same bytes give the same fault, so that one line in the log is enough.
    var isLasting: Bool {
        switch self {
        case .refused, .damaged, .system: true
        case .unreachable, .missing, .changed, .tooShort, .cancelled, .shutDown: false
        }
    }

    /// The fault as an error of the source.
    ///
    /// - Parameters:
    ///   - path: the file, below the folder.
    ///   - folder: the path of the folder.
    ///   - isLogged: whether the fault is in the log.
    func error(_ path: String, in folder: String, isLogged: Bool = false) -> SourceError {
        let sentence = "\(folder)/\(path): \(description)"
        return switch self {
        case .unreachable(let reason):
            SourceError(.outage(.unreachable(host: folder, cause: reason)), sentence, cause: self)
        case .changed(let version): SourceError(.changed(version?.text), sentence, cause: self)
        case .tooShort: SourceError(.wrongLength, sentence, cause: self)
        case .cancelled: .cancelled
        case .shutDown: .shutDown
        case .missing, .refused, .system, .damaged:
            SourceError(.failed, sentence, cause: self, isLogged: isLogged)
        }
    }

    /// The fault of a TIFF.
    init(_ error: TIFFError) {
        switch error {
        case .fault(let fault): self = .damaged(fault.reason)
        case .source(let error):
            self =
                switch error.kind {
                case .cancelled: .cancelled
                case .shutDown: .shutDown
                default: error.cause as? FolderFault ?? .damaged(error.description)
                }
        }
    }
}
