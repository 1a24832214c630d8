import Glibc
import Support

/// A file that is written at any offset. Ranges that are never written are holes and read as zeros.
struct OutputFile: ~Copyable {
    /// Where it is.
    let path: String
    private let descriptor: Int32
    private var isOpen = true

    /// Creates or empties `path`.
    init(_ path: String) throws(LabelWritingError) {
        let opened: Int32
        do throws(Errno) {
            opened = try openFile(path, flags: O_WRONLY | O_CREAT | O_TRUNC)
        } catch {
            throw .cannotWrite(path, error)
        }
        self.path = path
        descriptor = opened
    }

    /// Writes all of `bytes` from byte `offset` of the file on.
    func write(_ bytes: UnsafeRawBufferPointer, at offset: Int) throws(LabelWritingError) {
        var done = 0
        while done < bytes.count {
            let count = unsafe pwrite(
                descriptor, bytes.baseAddress.map { unsafe $0 + done }, bytes.count - done, offset + done)
            if count > 0 {
                done += count
            } else if count == 0 || errno != EINTR {
                throw .cannotWrite(path, count == 0 ? Errno(rawValue: EIO) : Errno.current)
            }
        }
    }

    /// Writes all of `bytes` from byte `offset` of the file on.
    func write(_ bytes: [UInt8], at offset: Int) throws(LabelWritingError) {
        let outcome: Result<Void, LabelWritingError> = unsafe bytes.withUnsafeBytes { buffer in
            do throws(LabelWritingError) {
                return .success(try unsafe write(buffer, at: offset))
            } catch {
                return .failure(error)
            }
        }
        try outcome.get()
    }

    /// Makes the file `size` bytes long.
    func setSize(_ size: Int) throws(LabelWritingError) {
        guard ftruncate(descriptor, size) == 0 else { throw .cannotWrite(path, Errno.current) }
    }

    /// Closes the file. Some file systems report a full disk only here.
    mutating func finish() throws(LabelWritingError) {
        isOpen = false
        guard close(descriptor) == 0 else { throw .cannotWrite(path, Errno.current) }
    }

    deinit {
        if isOpen { close(descriptor) }
    }
}
