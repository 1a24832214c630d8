internal import Glibc
package import Support

/// The kernel's read-ahead of a mount: 128 KiB unless root raises it through /sys after mounting (libfuse#825), which
/// makes buffered reads larger and half again as fast.
package enum ReadAheadSetting {
    /// The `/sys/class/bdi/<major>:<minor>/read_ahead_kb` of the mount on `path`; nil when it is not a mount point.
    /// Read from /proc/self/mountinfo, because `stat` on the path would be a request to ourselves.
    package static func controlFile(forMountOn path: String) -> String? {
        guard let table = try? readWholeFile("/proc/self/mountinfo") else { return nil }
        var device: String?
        for line in String(decoding: table, as: UTF8.self).split(separator: "\n") {
            // proc(5): id, parent id, major:minor, root, mount point (blanks as \040), ...
            let fields = line.split(separator: " ")
            if fields.count > 4, fields[4].replacing("\\040", with: " ") == path { device = String(fields[2]) }
        }
        return device.map { "/sys/class/bdi/\($0)/read_ahead_kb" }
    }

    /// Sets the read-ahead in KiB.
    ///
    /// - Throws: `Errno`, commonly `EACCES` when the process is not root; the mount works all the same.
    package static func set(kibibytes: Int, forMountOn path: String) throws(Errno) {
        guard let file = controlFile(forMountOn: path) else { throw Errno(rawValue: ENOENT) }
        let descriptor = try openFile(file, flags: O_WRONLY)
        defer { close(descriptor) }
        let text = Array("\(kibibytes)".utf8)
        let written = unsafe text.withUnsafeBytes { unsafe write(descriptor, $0.baseAddress, $0.count) }
        guard written == text.count else { throw Errno.current }
    }
}
