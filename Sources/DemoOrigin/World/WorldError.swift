/// Why a folder of real files cannot be served.
public struct WorldError: Error, CustomStringConvertible {
    /// What is wrong, with the path.
    public let description: String
}
