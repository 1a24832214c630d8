import Glibc
import Support

/// A file being written at any offset. What is never written is a hole that reads as zeros.
struct OutputFile: ~Copyable {
    /// Where it is.
    let path: String
    private let descriptor: Int32
    private var isOpen = true

    /// Creates or empties `path`.
    /// - Throws: `Failure` with the reason.
    init(_ path: String) throws(Failure) {
        let opened: Int32
        do throws(Errno) {
            opened = try openFile(path, flags: O_WRONLY | O_CREAT | O_TRUNC)
        } catch {
            throw Failure(sentence: "cannot write \(path): \(error)")
        }
        self.path = path
        descriptor = opened
    }

    /// Writes all of `bytes` from byte `offset` of the file on.
    func write(_ bytes: UnsafeRawBufferPointer, at offset: Int) throws(Failure) {
        var done = 0
        while done < bytes.count {
            let count = unsafe pwrite(
                descriptor, bytes.baseAddress.map { unsafe $0 + done }, bytes.count - done, offset + done)
            if count > 0 {
                done += count
            } else if count == 0 || errno != EINTR {
                throw fault(count == 0 ? Errno(rawValue: EIO) : Errno.current)
            }
        }
    }

    /// Writes all of `bytes` from byte `offset` of the file on.
    func write(_ bytes: [UInt8], at offset: Int) throws(Failure) {
        let outcome: Result<Void, Failure> = unsafe bytes.withUnsafeBytes { buffer in
            do throws(Failure) {
                return .success(try unsafe write(buffer, at: offset))
            } catch {
                return .failure(error)
            }
        }
        try outcome.get()
    }

    /// Makes the file `size` bytes long.
    func setSize(_ size: Int) throws(Failure) {
        guard ftruncate(descriptor, size) == 0 else { throw fault(Errno.current) }
    }

    /// Closes the file. Some file systems tell only now that the disk is full.
    mutating func finish() throws(Failure) {
        isOpen = false
        guard close(descriptor) == 0 else { throw fault(Errno.current) }
    }

    private func fault(_ reason: Errno) -> Failure {
        // The limit on the size of files is met more often than the file system's own.
        let cure = reason.rawValue == EFBIG ? "; raise the limit on the size of files (ulimit -f)" : ""
        return Failure(sentence: "cannot write \(path): \(reason)\(cure)")
    }

    deinit {
        if isOpen { close(descriptor) }
    }
}

/// A file that has its name only when it is complete: written under a temporary one beside it, which goes away with this
/// value unless `commit` was called.
struct TemporaryFile: ~Copyable {
    private let path: String
    private let temporary: String
    private var isCommitted = false
    /// The file to write to.
    var file: OutputFile

    /// Starts the file that will be `path`.
    init(for path: String) throws(Failure) {
        let temporary = "\(path).\(getpid()).tmp"
        file = try OutputFile(temporary)
        self.path = path
        self.temporary = temporary
    }

    /// Gives the file its name; one that has it is replaced.
    mutating func commit() throws(Failure) {
        try file.finish()
        guard unsafe rename(temporary, path) == 0 else {
            throw Failure(sentence: "cannot write \(path): \(Errno.current)")
        }
        isCommitted = true
    }

    deinit {
        if !isCommitted { unsafe unlink(temporary) }
    }
}
