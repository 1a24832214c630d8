internal import CPosix
internal import Glibc
internal import Specimens
internal import Support

/// The folder of a source. It is opened anew for each use, so that a disk can be unplugged and come back.
final class FolderRoot: Sendable {
    /// Absolute, without symbolic links.
    let path: String
    /// The file systems below the folder that are known to be no mount of NeuronFS.
    private let harmless = Monitor<Set<UInt>>([])

    /// The folder at `path`. Waits for the file system.
    ///
    /// - Throws: a clause that says why it is none.
    init(_ path: String) throws(FolderFault) {
        guard let resolved = unsafe realpath(path, nil) else { throw .unreachable("\(Errno.current)") }
        defer { unsafe free(resolved) }
        guard let real = unsafe String(validatingCString: resolved) else {
            throw .refused("it lies below a name that is not UTF-8")
        }
        self.path = real
        try open().checkKernel()
    }

    /// Opens the folder.
    ///
    /// - Throws: ``FolderFault/unreachable(_:)``, and ``FolderFault/refused(_:)`` where it lies in a mount of NeuronFS.
    func open() throws(FolderFault) -> FolderDirectory {
        do {
            let descriptor = FolderDescriptor(try openFile(path, flags: O_RDONLY | O_DIRECTORY))
            let status = try FileStatus(of: descriptor.number)
            guard !isNeuronFS(status.device) else {
                throw FolderFault.refused("it lies in a mount of NeuronFS; name the folder of the files themselves")
            }
            return FolderDirectory(descriptor, status: status, root: self)
        } catch let fault as FolderFault {
            throw fault
        } catch {
            throw .unreachable("\(error)")
        }
    }

    /// Whether a file system is a mount of NeuronFS, whose files would be read through this program or another like it.
    func isNeuronFS(_ device: UInt) -> Bool {
        if harmless.withLock({ $0.contains(device) }) { return false }
        do throws(Errno) {
            let table = String(decoding: try readWholeFile("/proc/self/mountinfo"), as: UTF8.self)
            if Self.lists(neuronFS: device, table) { return true }
            harmless.withLock { _ = $0.insert(device) }
            return false
        } catch {
            // Without /proc nothing is known, and a folder inside a mount is only a detour.
            return false
        }
    }

    /// Whether a `mountinfo` of /proc has a mount of NeuronFS with the device `number` of stat(2).
    static func lists(neuronFS number: UInt, _ table: String) -> Bool {
        // gnu_dev_major and gnu_dev_minor of sys/sysmacros.h.
        let major = UInt32(truncatingIfNeeded: (number >> 8) & 0xFFF | (number >> 32) & ~0xFFF)
        let minor = UInt32(truncatingIfNeeded: number & 0xFF | (number >> 12) & ~0xFF)
        let device = "\(major):\(minor)"
        return table.split(separator: "\n").contains { line in
            // proc(5): id, parent's id, major:minor, ..., "-", type, ...
            let fields = line.split(separator: " ")
            guard fields.count > 2, fields[2] == device, let dash = fields.firstIndex(of: "-") else { return false }
            return fields.dropFirst(dash + 1).first == "fuse.neuronfs"
        }
    }
}

/// A descriptor that is closed with its last reference.
final class FolderDescriptor: Sendable {
    let number: Int32

    init(_ number: Int32) { self.number = number }

    deinit { close(number) }
}
