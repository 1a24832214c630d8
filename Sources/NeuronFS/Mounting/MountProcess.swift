import Glibc
import Support

/// The processes of mounts, as /proc shows them.
enum MountProcess {
    /// The process that serves `mount`: the one that its status names, else the one found by owner and arguments.
    static func serving(_ mount: MountTable.Entry, _ status: JSONValue? = nil) -> Int? {
        if let pid = status?["pid"]?.intValue, belongs(pid, to: mount.owner) { return pid }
        return serving(mount.path, owner: mount.owner)
    }

    /// Whether process `pid` belongs to the user `owner`. A mount could name the process of another user.
    static func belongs(_ pid: Int, to owner: UInt32?) -> Bool {
        var status = stat()
        return unsafe stat("/proc/\(pid)", &status) == 0 && status.st_uid == owner
    }

    /// The process of `owner` with the arguments of a daemon for `path`.
    static func serving(_ path: String, owner: UInt32?) -> Int? {
        let names: [String]
        do throws(Failure) {
            names = try Folder.names("/proc")
        } catch {
            return nil
        }
        return names.lazy.compactMap { Int($0) }.first { pid in
            guard belongs(pid, to: owner) else { return false }
            let words = arguments(of: pid)
            guard words.count > 2, ["mount", "demo"].contains(words[1]),
                words.contains(where: { ["--foreground", "-f"].contains($0) })
            else { return false }
            return words.dropFirst(2).contains { $0 == path || isPath($0, of: pid, equalTo: path) }
        }
    }

    /// Whether process `pid` runs. A process that has ended and waits to be reaped does not run. The first process of a
    /// container often reaps late or never.
    static func isRunning(_ pid: Int) -> Bool {
        do throws(Errno) {
            // proc(5): pid (comm) state ...; comm may hold anything, also brackets.
            let line = String(decoding: try readWholeFile("/proc/\(pid)/stat"), as: UTF8.self)
            let state = line.lastIndex(of: ")").map { line[line.index(after: $0)...].first { $0 != " " } }
            return state != "Z" && state != "X"
        } catch {
            return false
        }
    }

    private static func arguments(of pid: Int) -> [String] {
        do throws(Errno) {
            return try readWholeFile("/proc/\(pid)/cmdline").split(separator: 0).map {
                String(decoding: $0, as: UTF8.self)
            }
        } catch {
            // It has ended meanwhile.
            return []
        }
    }

    /// Whether `word`, relative to the working directory of `pid`, is `path`. A mount in the foreground may have such an
    /// argument.
    private static func isPath(_ word: String, of pid: Int, equalTo path: String) -> Bool {
        guard !word.hasPrefix("/"), !word.hasPrefix("-"),
            let directory = unsafe realpath("/proc/\(pid)/cwd", nil)
        else { return false }
        defer { unsafe free(directory) }
        do throws(Failure) {
            return try MountTable.absolute(unsafe String(cString: directory) + "/" + word) == path
        } catch {
            return false
        }
    }
}
