internal import Glibc

/// The target of log lines. Each line is one `write(2)`, so that lines of several threads never mix.
package final class LogSink: Sendable {
    /// A file larger than this is renamed to `<file>.1`: 16 MiB, about 80,000 lines.
    package static let rotationSize = 16 << 20

    private struct State {
        /// The size of the file in bytes, as far as it is known.
        var size: Int
        /// Whether only a part of the last line was written, because the disk was full.
        var isTorn = false
    }

    private let descriptor: Int32
    /// The file behind the descriptor; nil when its name is not known.
    private let path: String?
    /// The directory of that file; nil when this process may not rename files there.
    private let directory: DirectoryHandle?
    private let limit: Int
    private let state: Monitor<State>

    /// Writes to `descriptor`, which stays open as long as the process.
    ///
    /// - Parameters:
    ///   - path: the log file. When `descriptor` is open on this file, the file is renamed once it has `limit` bytes,
    /// and the descriptor is moved to a new file. Otherwise the file is never renamed.
    ///   - limit: bytes.
    package init(descriptor: Int32, path: String? = nil, limit: Int = LogSink.rotationSize) {
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

    /// Writes as much as fits on the disk; returns the number of bytes.
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

    /// Renames the file and begins a new one. When the disk has no room for a new one, writing continues in the old
    /// one. Returns the size to assume for the file.
    private func rotate(_ path: String, in directory: DirectoryHandle) -> Int {
        // Another process may have emptied the file.
        let size = Self.size(descriptor)
        guard size >= limit else { return size }
        // Otherwise another process has moved it already, such as logrotate or another mount with the same log.
        let isOurs = Self.isOpen(path, as: descriptor)
        let name = Self.split(path).name
        let fresh = "\(name).new"
        do throws(FileFault) {
            // The new file is created first, so that a failure here leaves the old file its name.
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
            // A failure is ignored here: the next try reports the same cause.
            if isOurs { _ = try? directory.remove(fresh) }
            // The next try is after a sixteenth more.
            return limit - limit / 16
        }
    }

    private static func split(_ path: String) -> (folder: String, name: String) {
        guard let slash = path.lastIndex(of: "/") else { return (".", path) }
        return (slash == path.startIndex ? "/" : String(path[..<slash]), String(path[path.index(after: slash)...]))
    }

    /// Whether `path` names the file on which `descriptor` is open.
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
