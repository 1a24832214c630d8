internal import CPosix
internal import Glibc
internal import Support

/// The folder of a source while it is open. Its files are opened below it: a symbolic link is followed as long as it stays
/// inside, so that a planted link shows nothing that its owner could not read.
///
/// A name is a path below the folder, such as `cell/stack/0001.tif`. Nothing that is opened blocks.
struct FolderDirectory {
    /// What a name stands for.
    enum Kind: Equatable {
        case file(FileVersion)
        case directory(FileVersion)
    }

    /// The device of the folder itself.
    let device: UInt
    private let root: FolderRoot
    private let descriptor: FolderDescriptor

    init(_ descriptor: FolderDescriptor, status: FileStatus, root: FolderRoot) {
        self.descriptor = descriptor
        self.root = root
        device = status.device
    }

    /// - Throws: ``FolderFault/refused(_:)`` where the kernel or the container has no openat2.
    func checkKernel() throws(FolderFault) {
        let probe = unsafe posix_open_inside(descriptor.number, ".", posix_path_flag())
        guard probe < 0 else { return _ = close(probe) }
        guard probe == -ENOSYS || probe == -EPERM else { throw .unreachable("\(Errno(rawValue: -probe))") }
        throw .refused("this system has no openat2, without which links cannot be checked (Linux 5.6)")
    }

    /// The path of the folder.
    var path: String { root.path }

    /// What `name` is. A link that stays in the folder stands for its target.
    ///
    /// - Throws: ``FolderFault/refused(_:)`` for what is neither a file nor a directory.
    func kind(of name: String) throws(FolderFault) -> Kind {
        let opened = FolderDescriptor(try open(name, posix_path_flag()))
        let status = try status(of: opened.number)
        if status.isKind(S_IFDIR) { return .directory(FileVersion(status)) }
        try check(status)
        return .file(FileVersion(status))
    }

    /// The version of the file `name` now.
    func version(of name: String) throws(FolderFault) -> FileVersion {
        guard case .file(let version) = try kind(of: name) else { throw .refused("it is a directory") }
        return version
    }

    /// Opens the file `name` for reading.
    func file(_ name: String) throws(FolderFault) -> FolderFile {
        // A device may do something when it is opened: it is refused before.
        _ = try version(of: name)
        let descriptor = try open(name, O_RDONLY | O_NONBLOCK)
        let file: FolderFile
        do throws(FileFault) {
            file = FolderFile(try CheckedFile(descriptor, name: name))
        } catch {
            throw FolderFault(error)
        }
        try check(file.status)
        return file
    }

    /// The names in the directory `name`, as bytes and in no order, without those that begin with a dot.
    func names(in name: String) throws(FolderFault) -> [[UInt8]] {
        let descriptor = try open(name, O_RDONLY | O_DIRECTORY | O_NONBLOCK)
        do throws(Errno) {
            return try namesOfDirectory(descriptor).filter { $0.first != UInt8(ascii: ".") }
        } catch {
            throw .system(error)
        }
    }

    private func check(_ status: FileStatus) throws(FolderFault) {
        if status.isKind(S_IFREG) { return }
        throw .refused(status.isKind(S_IFDIR) ? "it is a directory" : "it is a pipe, a device or a socket")
    }

    private func status(of descriptor: Int32) throws(FolderFault) -> FileStatus {
        let status: FileStatus
        do throws(Errno) {
            status = try FileStatus(of: descriptor)
        } catch {
            throw .system(error)
        }
        guard status.device == device || !root.isNeuronFS(status.device) else {
            throw .refused("it lies in a mount of NeuronFS")
        }
        return status
    }

    private func open(_ name: String, _ flags: Int32) throws(FolderFault) -> Int32 {
        let result = unsafe posix_open_inside(descriptor.number, name, flags)
        switch -result {
        case ..<1: return result
        case ENOENT, ENOTDIR: throw .missing
        case EXDEV: throw .refused("a symbolic link leads out of the folder")
        // A socket, or a link of /proc.
        case ENXIO, ELOOP: throw .refused("it is a socket or a circle of links")
        default: throw .system(Errno(rawValue: -result))
        }
    }
}
