import Support

/// `.neuronfs/status.json` of a mount, read by the commands.
enum MountStatus {
    /// The document; nil when the mount does not answer (``MountState``) or is of another version.
    static func read(_ path: String) -> JSONValue? {
        guard case .alive(let document) = MountState(of: path) else { return nil }
        return document
    }
}
