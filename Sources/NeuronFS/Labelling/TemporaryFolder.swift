import Glibc
import Support

/// A directory whose contents appear only when they are complete.
///
/// A new directory is filled under a temporary name beside it and renamed. One that is there already, and empty, keeps its
/// place (it may be the working directory or a mount point): it is filled from a temporary directory inside it. Without
/// `commit` everything made so far is removed again, and nothing else.
struct TemporaryFolder: ~Copyable {
    private let path: String
    private let temporary: String
    private let isNew: Bool
    private var isCommitted = false
    /// What was made, in order: directories before what is in them.
    private var made: [(path: String, isDirectory: Bool)] = []
    private var directories: Set<String> = [""]

    /// Starts the directory that will be `path`.
    /// - Throws: `Failure` 2 when `path` is a file or a directory with something in it, 1 when it cannot be made.
    init(for path: String) throws(Failure) {
        let (temporary, isNew) = try Self.makeTemporary(for: path)
        self.path = path
        self.temporary = temporary
        self.isNew = isNew
    }

    private static func makeTemporary(for path: String) throws(Failure) -> (path: String, isNew: Bool) {
        var status = stat()
        let exists = unsafe stat(path, &status) == 0
        if exists {
            guard status.st_mode & S_IFMT == S_IFDIR else {
                throw Failure(sentence: "\(path) is a file, a directory is to be written", code: 2)
            }
            guard try isEmpty(path) else {
                throw Failure(sentence: "\(path) is not empty: remove it or choose another name", code: 2)
            }
        }
        let temporary = exists ? "\(path)/.neuronfs.\(getpid()).tmp" : "\(path).\(getpid()).tmp"
        guard unsafe mkdir(temporary, 0o755) == 0 else {
            throw Failure(sentence: "cannot write \(path): \(Errno.current)")
        }
        return (temporary, !exists)
    }

    /// A new file at `name`, a path below the directory; directories on the way are made.
    mutating func makeFile(_ name: String) throws(Failure) -> OutputFile {
        if let slash = name.lastIndex(of: "/") { try makeDirectory(String(name[..<slash])) }
        let file = try OutputFile("\(temporary)/\(name)")
        made.append((name, false))
        return file
    }

    /// Writes a whole file.
    mutating func write(_ bytes: [UInt8], to name: String) throws(Failure) {
        var file = try makeFile(name)
        try file.write(bytes, at: 0)
        try file.finish()
    }

    /// Makes the directory `name`, a path below the directory, and those above it.
    mutating func makeDirectory(_ name: String) throws(Failure) {
        guard !directories.contains(name) else { return }
        if let slash = name.lastIndex(of: "/") { try makeDirectory(String(name[..<slash])) }
        guard unsafe mkdir("\(temporary)/\(name)", 0o755) == 0 else {
            throw Failure(sentence: "cannot write \(path)/\(name): \(Errno.current)")
        }
        directories.insert(name)
        made.append((name, true))
    }

    /// Gives the directory its name.
    mutating func commit() throws(Failure) {
        if isNew {
            guard unsafe rename(temporary, path) == 0 else {
                throw Failure(sentence: "cannot write \(path): \(Errno.current)")
            }
        } else {
            for item in made where !item.path.contains("/") {
                guard unsafe rename("\(temporary)/\(item.path)", "\(path)/\(item.path)") == 0 else {
                    throw Failure(sentence: "cannot write \(path)/\(item.path): \(Errno.current)")
                }
            }
            unsafe rmdir(temporary)
        }
        isCommitted = true
    }

    private static func isEmpty(_ path: String) throws(Failure) -> Bool {
        guard let directory = unsafe opendir(path) else {
            throw Failure(sentence: "cannot read \(path): \(Errno.current)", code: 2)
        }
        defer { unsafe closedir(directory) }
        while let entry = unsafe readdir(directory) {
            let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                unsafe String(cString: UnsafeRawPointer(pointer).assumingMemoryBound(to: CChar.self))
            }
            guard name == "." || name == ".." else { return false }
        }
        return true
    }

    deinit {
        guard !isCommitted else { return }
        for item in made.reversed() {
            if item.isDirectory {
                unsafe rmdir("\(temporary)/\(item.path)")
            } else {
                unsafe unlink("\(temporary)/\(item.path)")
            }
        }
        unsafe rmdir(temporary)
    }
}
