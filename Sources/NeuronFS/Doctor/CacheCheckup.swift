import BlockStore
import Glibc
import Support

/// Whether the cache's directory can be written and has room.
enum CacheCheckup {
    /// - Parameters:
    ///   - reserve: bytes that a mount leaves free (`--cache-free`).
    static func findings(directory: String, reserve: Int) -> [Finding] {
        var status = stat()
        guard unsafe stat(directory, &status) == 0 else {
            let reason = Errno.current
            guard reason.rawValue == ENOENT else {
                return [.bad("\(directory) cannot be examined: \(reason)", cure: "name another with --cache-dir")]
            }
            return [.ok("the cache directory \(directory) does not exist yet: the first mount makes it")]
        }
        guard status.st_mode & S_IFMT == S_IFDIR else {
            return [.bad("\(directory) is no directory", cure: "name another with --cache-dir")]
        }
        var findings: [Finding] = []
        if geteuid() == 0, status.st_uid != 0 {
            findings.append(
                .note(
                    "the cache directory \(directory) belongs to user \(status.st_uid): root uses it with that user's "
                        + "rights only", cure: "mount with --uid \(status.st_uid), or name another with --cache-dir"))
        } else if geteuid() != 0, status.st_uid != geteuid() {
            findings.append(
                .bad(
                    "the cache directory \(directory) belongs to user \(status.st_uid), not to you",
                    cure: "sudo chown -R \(geteuid()) \(directory)"))
        } else if unsafe access(directory, R_OK | W_OK | X_OK) != 0 {
            findings.append(
                .bad(
                    "the cache directory \(directory) cannot be written: \(Errno.current)",
                    cure: "chmod u+rwx \(directory)"))
        } else {
            findings.append(.ok("the cache directory \(directory) is yours and can be written"))
        }
        var room = statvfs()
        if unsafe statvfs(directory, &room) == 0 {
            let free = Int(room.f_bavail) * Int(room.f_frsize)
            findings.append(
                free > reserve
                    ? .ok("\(ByteText.text(free)) free on its disk")
                    : .bad(
                        "only \(ByteText.text(free)) are free on the cache's disk, and --cache-free is "
                            + "\(ByteText.text(reserve)): nothing more is cached",
                        cure: "neuronfs cache prune --cache-dir \(directory) --to 1G"))
        }
        return findings
    }
}
