/// How a mount is presented to the kernel.
package struct MountOptions: Sendable {
    /// Owner of every file.
    package var uid: UInt32
    /// Group of every file.
    package var gid: UInt32
    /// Whether users other than the one who mounts may enter (`allow_other`).
    package var allowOther: Bool
    /// The source shown by `mount(8)`, for example `neuronfs` or `neuronfs-demo`.
    package var sourceName: String
    /// Seconds a request may wait for the source before it fails with `ETIMEDOUT`.
    package var requestTimeout: Double
    /// Seconds the kernel may keep names and attributes.
    package var attributeTimeout: Double = 3600
    /// Largest read in bytes; 1 MiB is the kernel's limit (256 pages).
    package var maximumRead = 1 << 20
    /// Read-ahead requests the kernel may have under way.
    package var maximumBackground = 64
    /// Threads of the FUSE loop. None ever waits, so a few a core are enough.
    package var threads: UInt32 = 8

    /// Options with the values that have no good default.
    package init(uid: UInt32, gid: UInt32, allowOther: Bool, sourceName: String, requestTimeout: Double) {
        self.uid = uid
        self.gid = gid
        self.allowOther = allowOther
        self.sourceName = sourceName
        self.requestTimeout = requestTimeout
    }

    /// The arguments of `fuse_session_new`. With `ro` the kernel itself answers every write with `EROFS`. With
    /// `default_permissions` it checks the modes.
    var arguments: [String] {
        var options = [
            "ro", "nosuid", "nodev", "default_permissions", "fsname=\(sourceName)", "subtype=neuronfs",
            "max_read=\(maximumRead)",
        ]
        if allowOther { options.append("allow_other") }
        return ["neuronfs", "-o", options.joined(separator: ",")]
    }
}
