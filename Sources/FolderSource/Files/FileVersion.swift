internal import Support

/// One version of a file: what a file system changes together with the bytes.
struct FileVersion: Hashable, Sendable {
    let device: UInt
    let inode: UInt
    /// Bytes.
    let size: Int
    /// The time of the last change, seconds since 1970.
    let modified: Double
    private let nanoseconds: Int

    init(_ status: FileStatus) {
        device = status.device
        inode = status.inode
        size = status.size
        modified = status.modified
        nanoseconds = status.nanoseconds
    }

    /// The version as the validator of a record.
    var text: String { "\(String(device, radix: 16))-\(inode)-\(content)" }

    /// The part of ``text`` that is the same for a copy that keeps its time, on any machine.
    var content: String {
        let fraction = String(nanoseconds)
        return
            "\(size)-\(Int(modified.rounded(.down))).\(String(repeating: "0", count: max(0, 9 - fraction.count)))\(fraction)"
    }

    /// Whether a change that follows soon may keep the time: file systems count it in steps of up to 2 s (FAT).
    ///
    /// - Parameter now: wall clock, seconds since 1970.
    func isRecent(at now: Double) -> Bool { modified > now - 2.5 }
}
