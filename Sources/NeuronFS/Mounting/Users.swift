import Glibc
import Support

/// Processes that keep a mount busy.
enum Users {
    struct User {
        var pid: Int
        var name: String
        /// The user that the process belongs to.
        var owner: UInt32?
        var use: String

        /// `tail (pid 4711, user 1000, its working directory)`.
        var text: String {
            ["\(name) (pid \(pid)", owner.map { Users.text($0) } ?? "", use].filter { !$0.isEmpty }
                .joined(separator: ", ") + ")"
        }
    }

    /// A user in a sentence.
    static func text(_ user: UInt32) -> String { user == 0 ? "root" : "user \(user)" }

    /// A mount of the file system `device` in each other mount namespace that has one, with a process in that namespace,
    /// as far as /proc shows them to us.
    static func inOtherNamespaces(_ device: String) -> [(user: User, mount: MountTable.Entry)] {
        // A namespace shares its mounts, and so their numbers, with no other.
        var known: Set<Int> = []
        let own = target(of: "/proc/self/ns/mnt")
        return pids().compactMap { pid in
            // By the namespace and not by its mounts: tests, and other users, mount and unmount meanwhile.
            guard target(of: "/proc/\(pid)/ns/mnt") != own else { return nil }
            do throws(Errno) {
                let table = String(decoding: try readWholeFile("/proc/\(pid)/mountinfo"), as: UTF8.self)
                let held = MountTable.entries(table).filter { $0.device == device && known.insert($0.id).inserted }
                guard let first = held.first else { return nil }
                let user = User(
                    pid: pid, name: name(of: pid), owner: owner(of: pid), use: "mount namespace with \(first.path)")
                return (user, first)
            } catch {
                // The process has ended, or this user may not examine it.
                return nil
            }
        }
    }

    /// Processes with a working directory, an open file or a memory map below `path`, as far as /proc shows them to us.
    static func of(_ path: String) -> [User] {
        pids().compactMap { pid in
            use(of: path, by: pid).map { User(pid: pid, name: name(of: pid), owner: owner(of: pid), use: $0) }
        }
    }

    /// The users who have processes.
    static func owners() -> Set<UInt32> { Set(pids().compactMap { owner(of: $0) }) }

    private static func pids() -> [Int] {
        names(in: "/proc").compactMap { Int($0) }.filter { $0 != Int(getpid()) }.sorted()
    }

    private static func owner(of pid: Int) -> UInt32? {
        var status = stat()
        return unsafe stat("/proc/\(pid)", &status) == 0 ? status.st_uid : nil
    }

    private static func use(of path: String, by pid: Int) -> String? {
        func isBelow(_ target: String?) -> Bool { target == path || target?.hasPrefix(path + "/") == true }
        if isBelow(target(of: "/proc/\(pid)/cwd")) { return "its working directory" }
        for descriptor in names(in: "/proc/\(pid)/fd") {
            let target = target(of: "/proc/\(pid)/fd/\(descriptor)")
            if isBelow(target) { return "open file \(target ?? "")" }
        }
        do throws(Errno) {
            let maps = String(decoding: try readWholeFile("/proc/\(pid)/maps"), as: UTF8.self)
            if maps.contains(" \(path)/") { return "a memory map" }
        } catch {
            // The process has ended, or this user may not examine it.
            return nil
        }
        return nil
    }

    private static func name(of pid: Int) -> String {
        do throws(Errno) {
            return String(decoding: try readWholeFile("/proc/\(pid)/comm").dropLast(), as: UTF8.self)
        } catch {
            return "?"
        }
    }

    private static func names(in directory: String) -> [String] {
        guard let handle = unsafe opendir(directory) else { return [] }
        defer { unsafe closedir(handle) }
        var names: [String] = []
        while let entry = unsafe readdir(handle) {
            names.append(
                unsafe withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                    unsafe String(cString: UnsafeRawPointer(pointer).assumingMemoryBound(to: CChar.self))
                })
        }
        return names.filter { $0 != "." && $0 != ".." }
    }

    private static func target(of link: String) -> String? {
        var buffer = [UInt8](repeating: 0, count: 4096)
        let count = unsafe buffer.withUnsafeMutableBytes { bytes in
            guard let base = bytes.baseAddress else { return 0 }
            return unsafe readlink(link, base.assumingMemoryBound(to: CChar.self), bytes.count)
        }
        return count > 0 ? String(decoding: buffer[..<count], as: UTF8.self) : nil
    }
}
