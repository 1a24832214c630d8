internal import Glibc

/// Where log lines go: one `write(2)` a line, so that lines of several threads never mix.
public final class LogSink: Sendable {
    /// A file larger than this is set aside as `<file>.1`: 16 MiB, some 80,000 lines.
    public static let rotationSize = 16 << 20

    private struct State {
        /// Bytes that the file is known to have.
        var size: Int
        /// Whether the last line is there in part: the disk was full.
        var isTorn = false
    }

    private let descriptor: Int32
    /// The file behind the descriptor, nil when it is none of a known name.
    private let path: String?
    /// Where that file lies; nil when it is not for us to rename files there.
    private let directory: DirectoryHandle?
    private let limit: Int
    private let state: Monitor<State>

    /// Writes to `descriptor`, which stays open as long as the process.
    ///
    /// - Parameters:
    ///   - path: the log file. When that is what `descriptor` is open on, it is set aside once it has `limit` bytes, and
    ///     the descriptor led to a new one; else nothing is done with it.
    ///   - limit: bytes.
    public init(descriptor: Int32, path: String? = nil, limit: Int = LogSink.rotationSize) {
        self.descriptor = descriptor
        self.limit = limit
        self.path = path.flatMap { Self.isOpen($0, as: descriptor) ? $0 : nil }
        directory = self.path.flatMap { try? DirectoryHandle(Self.split($0).folder) }
        state = Monitor(State(size: Self.size(descriptor)))
    }

    func write(_ line: String) {
        var text = state.withLock { state in
            defer { state.isTorn = false }
            return state.isTorn ? "\n" + line : line
        }
        let (done, count) = text.withUTF8 { bytes in (unsafe write(bytes), bytes.count) }
        state.withLock { state in
            state.isTorn = state.isTorn || 0 < done && done < count
            state.size += done
            if let path, let directory, state.size >= limit { state.size = rotate(path, in: directory) }
        }
    }

    /// Writes as much as there is room for; returns how many bytes.
    private func write(_ bytes: UnsafeBufferPointer<UInt8>) -> Int {
        var done = 0
        while done < bytes.count {
            let count = unsafe Glibc.write(
                descriptor, bytes.baseAddress.map { unsafe $0 + done }, bytes.count - done)
            if count > 0 {
                done += count
            } else if errno != EINTR {
                break
            }
        }
        return done
    }

    /// Sets the file aside. When the disk has no room for a new one, the old one is gone on with. Returns the bytes that the
    /// file is then taken to have.
    private func rotate(_ path: String, in directory: DirectoryHandle) -> Int {
        // Somebody may have emptied it.
        let size = Self.size(descriptor)
        guard size >= limit else { return size }
        // Else somebody has moved it already, as logrotate does, or another mount that writes to it.
        let isOurs = Self.isOpen(path, as: descriptor)
        let name = Self.split(path).name
        let fresh = "\(name).new"
        do throws(FileFault) {
            // Made first: what cannot be made must not cost the old file its name.
            if isOurs { try directory.remove(fresh) }
            let file = try directory.open(
                isOurs ? fresh : name, O_WRONLY | O_CREAT | O_APPEND | (isOurs ? O_EXCL : 0))
            if isOurs {
                try directory.rename(name, to: "\(name).1")
                try directory.rename(fresh, to: name)
            }
            guard dup2(file.descriptor, descriptor) >= 0 else { throw FileFault(name, .current) }
            return Self.size(descriptor)
        } catch {
            // Best effort: the cause is that of the next try, too.
            if isOurs { _ = try? directory.remove(fresh) }
            // Tried again after a sixteenth more.
            return limit - limit / 16
        }
    }

    private static func split(_ path: String) -> (folder: String, name: String) {
        guard let slash = path.lastIndex(of: "/") else { return (".", path) }
        return (slash == path.startIndex ? "/" : String(path[..<slash]), String(path[path.index(after: slash)...]))
    }

    /// Whether `path` names the file that `descriptor` is open on.
    private static func isOpen(_ path: String, as descriptor: Int32) -> Bool {
        var (named, opened) = (stat(), stat())
        guard unsafe stat(path, &named) == 0, unsafe fstat(descriptor, &opened) == 0 else { return false }
        return named.st_mode & S_IFMT == S_IFREG && named.st_dev == opened.st_dev && named.st_ino == opened.st_ino
    }

    private static func size(_ descriptor: Int32) -> Int {
        var status = stat()
        return unsafe fstat(descriptor, &status) == 0 ? status.st_size : 0
    }
}
