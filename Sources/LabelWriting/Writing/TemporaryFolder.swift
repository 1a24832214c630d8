import Glibc
import Support

/// A directory whose contents appear when they are complete.
///
/// A new directory is filled under a temporary name beside it and renamed. A directory that exists and is empty keeps its
/// place, because it may be the working directory or a mount point: it is filled from a temporary directory inside it.
/// Without `commit`, or when that fails, everything made so far is removed, and nothing else.
struct TemporaryFolder: ~Copyable {
    private let path: String
    private let temporary: String
    private let isNew: Bool
    private var isCommitted = false
    /// The files and directories made, in order: a directory before its contents.
    private var made: [(path: String, isDirectory: Bool)] = []
    private var directories: Set<String> = [""]
    /// The names at the top of an existing directory that `commit` has moved into it.
    private var placed: Set<Substring> = []

    /// Starts the directory that will be `path`.
    ///
    /// - Throws: a request error when `path` is a file or a directory with something in it, an output error when it cannot be
    ///   made.
    init(for path: String) throws(LabelWritingError) {
        (temporary, isNew) = try Self.makeTemporary(for: path)
        self.path = path
    }

    private static func makeTemporary(for path: String) throws(LabelWritingError) -> (path: String, isNew: Bool) {
        var status = stat()
        let exists = unsafe stat(path, &status) == 0
        if exists {
            guard status.st_mode & S_IFMT == S_IFDIR else {
                throw .request("\(path) is a file, and the output is a directory: choose another name")
            }
            guard try isEmpty(path) else {
                throw .request("\(path) is not empty: remove it or choose another name")
            }
        }
        let temporary = exists ? "\(path)/.neuronfs.\(getpid()).tmp" : "\(path).\(getpid()).tmp"
        guard unsafe mkdir(temporary, 0o755) == 0 else { throw .cannotWrite(path, Errno.current) }
        return (temporary, !exists)
    }

    /// A new file at `name`, a path below the directory. Directories on the way are made.
    mutating func makeFile(_ name: String) throws(LabelWritingError) -> OutputFile {
        if let slash = name.lastIndex(of: "/") { try makeDirectory(String(name[..<slash])) }
        let file = try OutputFile("\(temporary)/\(name)")
        made.append((name, false))
        return file
    }

    /// Writes a whole file.
    mutating func write(_ bytes: [UInt8], to name: String) throws(LabelWritingError) {
        var file = try makeFile(name)
        try file.write(bytes, at: 0)
        try file.finish()
    }

    /// Makes the directory `name`, a path below the directory, and those above it.
    private mutating func makeDirectory(_ name: String) throws(LabelWritingError) {
        guard !directories.contains(name) else { return }
        if let slash = name.lastIndex(of: "/") { try makeDirectory(String(name[..<slash])) }
        guard unsafe mkdir("\(temporary)/\(name)", 0o755) == 0 else {
            throw .cannotWrite("\(path)/\(name)", Errno.current)
        }
        directories.insert(name)
        made.append((name, true))
    }

    /// Gives the directory its name.
    mutating func commit() throws(LabelWritingError) {
        if isNew {
            guard unsafe rename(temporary, path) == 0 else { throw .cannotWrite(path, Errno.current) }
        } else {
            for item in made where !item.path.contains("/") {
                guard unsafe rename("\(temporary)/\(item.path)", "\(path)/\(item.path)") == 0 else {
                    throw .cannotWrite("\(path)/\(item.path)", Errno.current)
                }
                placed.insert(item.path[...])
            }
            unsafe rmdir(temporary)
        }
        isCommitted = true
    }

    private static func isEmpty(_ path: String) throws(LabelWritingError) -> Bool {
        guard let directory = unsafe opendir(path) else { throw .cannotRead(path, Errno.current) }
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
            let isPlaced = placed.contains(item.path.prefix { $0 != "/" })
            let place = "\(isPlaced ? path : temporary)/\(item.path)"
            if item.isDirectory {
                unsafe rmdir(place)
            } else {
                unsafe unlink(place)
            }
        }
        unsafe rmdir(temporary)
    }
}
