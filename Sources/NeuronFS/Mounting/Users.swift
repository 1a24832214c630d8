import Glibc
import Support

/// Processes that keep a mount busy.
enum Users {
    struct User {
        var pid: Int
        var name: String
        var use: String
    }

    /// Processes with a working directory, an open file or a memory map below `path`, as far as /proc shows them to us.
    static func of(_ path: String) -> [User] {
        names(in: "/proc").compactMap { Int($0) }.filter { $0 != Int(getpid()) }.compactMap { pid in
            use(of: path, by: pid).map { use in User(pid: pid, name: name(of: pid), use: use) }
        }
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
            // A process that has ended or is not ours to look at.
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
