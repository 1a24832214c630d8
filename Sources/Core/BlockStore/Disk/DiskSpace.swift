import Glibc

/// Room on the file system of the cache.
enum DiskSpace {
    /// Bytes that an ordinary user may still write to the file system of `path`; nil when the system does not say.
    static func freeBytes(_ path: String) -> Int? {
        var buffer = statvfs()
        guard unsafe statvfs(path, &buffer) == 0 else { return nil }
        return Int(buffer.f_bavail) * Int(buffer.f_frsize)
    }

    /// The bytes that a file of `length` bytes takes up: whole pages of 4 KiB, the block of the usual file systems.
    static func roundedToPages(_ length: Int) -> Int { (length + 4095) & ~4095 }
}
