import Glibc
import Support

/// Starts other programs. `fork` is not safe in a process with threads; `posix_spawn` is.
enum Subprocess {
    /// Runs `program`, found in PATH, to its end. Returns its exit code, 127 when it cannot be started.
    static func run(_ program: String, _ arguments: [String]) -> Int32 {
        var pid = pid_t()
        var argv: [UnsafeMutablePointer<CChar>?] = unsafe ([program] + arguments).map { unsafe strdup($0) } + [nil]
        defer { for unsafe pointer in unsafe argv { unsafe free(pointer) } }
        guard unsafe posix_spawnp(&pid, program, nil, nil, &argv, environ) == 0 else { return 127 }
        return wait(for: pid)
    }

    /// Waits for a child. A death by signal counts as 128 and the signal's number, as in a shell.
    static func wait(for pid: pid_t) -> Int32 {
        var status: Int32 = 0
        while unsafe waitpid(pid, &status, 0) < 0, errno == EINTR {}
        return status & 0x7F == 0 ? (status >> 8) & 0xFF : 128 + (status & 0x7F)
    }

    /// Starts this program again with `arguments`, in a session of its own, without a terminal.
    ///
    /// - Parameters:
    ///   - readyDescriptor: kept open in the child under the number 3.
    ///   - errors: a descriptor that becomes its standard error.
    /// - Throws: `Errno` when it cannot be started.
    static func startDaemon(_ arguments: [String], readyDescriptor: Int32, errors: Int32) throws(Errno) -> pid_t {
        var actions = unsafe posix_spawn_file_actions_t()
        unsafe posix_spawn_file_actions_init(&actions)
        defer { unsafe posix_spawn_file_actions_destroy(&actions) }
        unsafe posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0)
        unsafe posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0)
        unsafe posix_spawn_file_actions_adddup2(&actions, errors, STDERR_FILENO)
        unsafe posix_spawn_file_actions_adddup2(&actions, readyDescriptor, Readiness.descriptor)
        // A daemon must not keep a directory busy.
        unsafe posix_spawn_file_actions_addchdir_np(&actions, "/")
        var attributes = posix_spawnattr_t()
        unsafe posix_spawnattr_init(&attributes)
        defer { unsafe posix_spawnattr_destroy(&attributes) }
        unsafe posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSID))
        var argv: [UnsafeMutablePointer<CChar>?] = unsafe (["neuronfs"] + arguments).map { unsafe strdup($0) } + [nil]
        defer { for unsafe pointer in unsafe argv { unsafe free(pointer) } }
        var pid = pid_t()
        let code = unsafe posix_spawn(&pid, "/proc/self/exe", &actions, &attributes, &argv, environ)
        guard code == 0 else { throw Errno(rawValue: code) }
        return pid
    }
}
