import Glibc
import Support

/// A file that gets its name when it is complete. Until then it has a temporary name beside it. Without `commit` the
/// temporary file is removed with this value, and a file that had the name before stays as it was.
struct TemporaryFile: ~Copyable {
    private let path: String
    private let temporary: String
    private var isCommitted = false
    /// The file to write to.
    var file: OutputFile

    /// Starts the file that will be `path`.
    init(for path: String) throws(LabelWritingError) {
        let temporary = "\(path).\(getpid()).tmp"
        file = try OutputFile(temporary)
        self.path = path
        self.temporary = temporary
    }

    /// Gives the file its name; one that has it is replaced.
    mutating func commit() throws(LabelWritingError) {
        try file.finish()
        guard unsafe rename(temporary, path) == 0 else {
            throw .cannotWrite(path, Errno.current)
        }
        isCommitted = true
    }

    deinit {
        if !isCommitted { unsafe unlink(temporary) }
    }
}
