import Glibc
import Support

/// Checks and repairs of the place where a mount is to stand.
enum MountPoint {
    /// Makes sure that `path` is a directory on which a mount can stand. A dead mount (its daemon was killed) is removed.
    ///
    /// - Parameter creates: whether a directory that is not there is made.
    static func prepare(_ path: String, creates: Bool) throws(Failure) {
        if let mount = try MountTable.mount(on: path), mount.type == "fuse.neuronfs" {
            guard isDead(path) else {
                throw Failure(
                    sentence: "\(path) is already a NeuronFS mount; unmount it first: neuronfs umount \(path)")
            }
            try detach(path, lazily: true)
        }
        var status = stat()
        if unsafe stat(path, &status) != 0 {
            let reason = Errno.current
            guard reason.rawValue == ENOENT, creates else {
                throw Failure(sentence: "cannot mount on \(path): \(reason)", code: 2)
            }
            do throws(Errno) {
                try makeDirectories(path)
            } catch {
                throw Failure(sentence: "cannot make the directory \(path): \(error)", code: 2)
            }
            return
        }
        guard status.st_mode & S_IFMT == S_IFDIR else {
            throw Failure(sentence: "\(path) is not a directory", code: 2)
        }
        if let mount = try MountTable.mount(on: path) {
            throw Failure(
                sentence: "\(path) is busy: a file system of type \(mount.type) is mounted there already", code: 2)
        }
        guard let directory = unsafe opendir(path) else {
            throw Failure(sentence: "cannot read \(path): \(Errno.current)", code: 2)
        }
        defer { unsafe closedir(directory) }
        while let entry = unsafe readdir(directory) {
            let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                unsafe String(cString: UnsafeRawPointer(pointer).assumingMemoryBound(to: CChar.self))
            }
            guard name == "." || name == ".." else {
                throw Failure(
                    sentence: "\(path) is busy: it is not empty, and its files would be hidden by the mount", code: 2)
            }
        }
    }

    /// Whether FUSE can be used at all, told in one sentence with the command that mends it.
    static func checkFuse() throws(Failure) {
        guard unsafe access("/dev/fuse", F_OK) == 0 else {
            throw Failure(
                sentence: "/dev/fuse is missing: load the module (sudo modprobe fuse), or in a container start it with "
                    + "--device /dev/fuse --cap-add SYS_ADMIN")
        }
        guard unsafe access("/dev/fuse", R_OK | W_OK) == 0 || getuid() != 0 else {
            throw Failure(sentence: "/dev/fuse cannot be opened: \(Errno.current)")
        }
    }

    /// Whether the mount on `path` has lost its daemon. Asked by opening it: the kernel answers `stat` from memory.
    static func isDead(_ path: String) -> Bool {
        guard let directory = unsafe opendir(path) else { return errno == ENOTCONN || errno == ECONNABORTED }
        unsafe closedir(directory)
        return false
    }

    /// Takes the mount on `path` away.
    ///
    /// - Parameter lazily: also when it is in use, which only a dead mount should be.
    static func detach(_ path: String, lazily: Bool) throws(Failure) {
        if geteuid() == 0 {
            guard unsafe umount2(path, Int32(lazily ? Self.detachFlag : 0)) != 0 else { return }
            throw refusal(path, Errno.current)
        }
        let code = Subprocess.run("fusermount3", ["-u"] + (lazily ? ["-z"] : []) + [path])
        guard code == 0 else { throw refusal(path, Errno(rawValue: code == 127 ? ENOENT : EBUSY)) }
    }

    /// `MNT_DETACH` of sys/mount.h.
    private static let detachFlag = 2

    private static func refusal(_ path: String, _ reason: Errno) -> Failure {
        guard reason.rawValue == EBUSY else { return Failure(sentence: "cannot unmount \(path): \(reason)") }
        let users = Users.of(path)
        let who =
            users.isEmpty
            ? "" : " by " + users.map { "\($0.name) (pid \($0.pid), \($0.use))" }.joined(separator: ", ")
        return Failure(sentence: "\(path) is busy: it is in use\(who)")
    }
}
