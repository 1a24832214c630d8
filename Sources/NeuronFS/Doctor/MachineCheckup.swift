import Configuration
import Glibc
import Support

/// Examines what a mount needs of the machine.
enum MachineCheckup {
    static func findings() -> [Finding] { [fuse(), fusermount(), allowOther()] }

    private static func fuse() -> Finding {
        guard unsafe access("/dev/fuse", F_OK) == 0 else {
            return .bad(
                "/dev/fuse is missing",
                cure: "sudo modprobe fuse   (a container: start it with --device /dev/fuse --cap-add SYS_ADMIN)")
        }
        do throws(Errno) {
            close(try openFile("/dev/fuse", flags: O_RDWR))
            return .ok("/dev/fuse can be opened")
        } catch {
            return .bad("/dev/fuse cannot be opened: \(error)", cure: "sudo chmod 666 /dev/fuse")
        }
    }

    private static func fusermount() -> Finding {
        let folders = (Paths.environment("PATH") ?? "/usr/bin:/bin").split(separator: ":")
        guard let path = folders.map({ String($0) + "/fusermount3" }).first(where: { unsafe access($0, X_OK) == 0 })
        else {
            return geteuid() == 0
                ? .note("fusermount3 is not installed; only root can mount", cure: "sudo apt-get install fuse3")
                : .bad("fusermount3 is not installed", cure: "sudo apt-get install fuse3")
        }
        var status = stat()
        guard geteuid() != 0, unsafe stat(path, &status) == 0, status.st_uid != 0 || status.st_mode & S_ISUID == 0
        else {
            return .ok("\(path) is there")
        }
        return .bad("\(path) has lost its right to mount", cure: "sudo chown root \(path) && sudo chmod u+s \(path)")
    }

    private static func allowOther() -> Finding {
        guard !FuseConfiguration.permitsAllowOther else { return .ok("--allow-other is permitted") }
        return .note(
            "--allow-other is not permitted: other users, and daemons such as Docker, cannot read your mounts",
            cure: FuseConfiguration.cure)
    }
}
