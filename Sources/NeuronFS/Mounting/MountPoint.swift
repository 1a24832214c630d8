import Glibc
import Support

/// Checks, prepares and detaches the mount point.
enum MountPoint {
    /// Makes sure that `path` is a directory that can be a mount point. A dead mount, whose daemon was killed, is removed.
    ///
    /// - Parameter creates: whether a missing directory is made.
    static func prepare(_ path: String, creates: Bool) throws(Failure) {
        if let mount = try MountTable.mount(on: path), mount.type == "fuse.neuronfs" {
            let state = MountState(of: path)
            guard case .dead = state else {
                let trouble = state.trouble(of: mount).map { ", which \($0)" } ?? ""
                throw Failure(
                    sentence: "\(path) is already a NeuronFS mount\(trouble); "
                        + "unmount it first: neuronfs umount \(path)")
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
                    sentence: "\(path) is busy: it is not empty, and the mount would hide its files", code: 2)
            }
        }
    }

    /// Makes sure that this user can use FUSE.
    ///
    /// - Throws: the fault and the command that repairs it.
    static func checkFuse(allowOther: Bool) throws(Failure) {
        guard unsafe access("/dev/fuse", F_OK) == 0 else {
            throw Failure(
                sentence: "/dev/fuse is missing: load the module (sudo modprobe fuse), or in a container start it with "
                    + "--device /dev/fuse --cap-add SYS_ADMIN")
        }
        // With the user's own rights, because libfuse opens it, or fusermount3 with the user's rights.
        guard unsafe access("/dev/fuse", R_OK | W_OK) == 0 else {
            throw Failure(sentence: "/dev/fuse cannot be opened: \(Errno.current); sudo chmod 666 /dev/fuse permits it")
        }
        guard !allowOther || FuseConfiguration.permitsAllowOther else {
            throw Failure(
                sentence: "--allow-other is not permitted to you: \(FuseConfiguration.path) does not say "
                    + "user_allow_other; \(FuseConfiguration.cure)", code: 2)
        }
    }

    /// Detaches the mount on `path`. If it is in use, this tries again for a second, because `neuronfs status` of any user uses
    /// every mount of the machine for a moment.
    ///
    /// - Parameter lazily: whether a mount in use is detached, too: one that does not answer, or that the user gives up.
    static func detach(_ path: String, lazily: Bool) throws(Failure) {
        if geteuid() != 0, let mount = try MountTable.mount(on: path), let owner = mount.owner, owner != geteuid() {
            let others = owner == 0 ? "" : " and root"
            throw Failure(
                sentence: "\(path) was mounted by \(mount.ownerText): only they\(others) can unmount it", code: 2)
        }
        for _ in 0..<20 {
            if try detachUnlessBusy(path, lazily: lazily) { return }
            usleep(50_000)
        }
        throw try busyFailure(path)
    }

    /// Returns false when the mount is in use.
    private static func detachUnlessBusy(_ path: String, lazily: Bool) throws(Failure) -> Bool {
        let busy = Errno(rawValue: EBUSY)
        if geteuid() == 0 {
            guard unsafe umount2(path, Int32(lazily ? Self.detachFlag : 0)) != 0 else { return true }
            let reason = Errno.current
            guard reason == busy else { throw Failure(sentence: "cannot unmount \(path): \(reason)") }
            return false
        }
        let outcome: (code: Int32, errors: String)
        do throws(Errno) {
            outcome = try Subprocess.run("fusermount3", ["-u"] + (lazily ? ["-z"] : []) + [path])
        } catch {
            throw Failure(sentence: "cannot unmount \(path): fusermount3 cannot be started: \(error)")
        }
        guard outcome.code != 0 else { return true }
        guard !outcome.errors.contains("\(busy)") else { return false }
        let said = outcome.errors.split(separator: "\n").last ?? "fusermount3 ended with code \(outcome.code)"
        throw Failure(sentence: "cannot unmount \(path): \(said)")
    }

    /// `MNT_DETACH` of sys/mount.h.
    private static let detachFlag = 2

    private static func busyFailure(_ path: String) throws(Failure) -> Failure {
        let below = try MountTable.all().filter { $0.path.hasPrefix(path + "/") }.map { "the mount on \($0.path)" }
        let users = Users.of(path).map(\.text) + below
        let unseen = geteuid() == 0 ? "" : " by a process of another user"
        let who = users.isEmpty ? unseen : " by " + users.joined(separator: ", ")
        return Failure(
            sentence: "\(path) is busy: it is in use\(who); end that, or neuronfs umount --lazy \(path) ends the mount")
    }
}
