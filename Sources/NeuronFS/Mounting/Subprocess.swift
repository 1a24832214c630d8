import CPosix
import Glibc
import Support

/// Starts other programs. `fork` is not safe in a process with threads; `posix_spawn` is.
enum Subprocess {
    /// Runs `program`, found in PATH, to its end. Returns its exit code and its standard error.
    ///
    /// - Throws: `Errno` when it cannot be started.
    static func run(_ program: String, _ arguments: [String]) throws(Errno) -> (code: Int32, errors: String) {
        var argv: [UnsafeMutablePointer<CChar>?] = unsafe ([program] + arguments).map { unsafe strdup($0) } + [nil]
        defer { unsafe argv.forEach { unsafe free($0) } }
        // The child inherits the memory as its standard error.
        let (outcome, errors) = collectingStandardError { () -> Result<Int32, Errno> in
            var pid = pid_t()
            let reason = unsafe posix_spawnp(&pid, program, nil, nil, &argv, environ)
            return reason == 0 ? .success(wait(for: pid)) : .failure(Errno(rawValue: reason))
        }
        return (try outcome.get(), errors)
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
    ///   - settings: becomes the descriptor of `Handover` in the child.
    ///   - readyDescriptor: becomes that of `Readiness`.
    ///   - errors: becomes its standard error.
    /// - Throws: `Errno` when it cannot be started.
    static func startDaemon(
        _ arguments: [String], settings: Int32, readyDescriptor: Int32, errors: Int32
    ) throws(Errno) -> pid_t {
        var argv: [UnsafeMutablePointer<CChar>?] = unsafe (["neuronfs"] + arguments).map { unsafe strdup($0) } + [nil]
        defer { unsafe argv.forEach { unsafe free($0) } }
        var variables: [UnsafeMutablePointer<CChar>?] =
            unsafe Handover.environment.map { unsafe strdup($0) } + [nil]
        defer { unsafe variables.forEach { unsafe free($0) } }
        let pid = unsafe posix_spawn_daemon(
            "/proc/self/exe", &argv, &variables, errors, readyDescriptor, Readiness.descriptor, settings,
            Handover.descriptor)
        guard pid > 0 else { throw Errno(rawValue: -pid) }
        return pid
    }
}
