/// Why a folder of real files cannot be served.
package struct WorldError: Error, CustomStringConvertible {
    /// What is wrong, with the path.
    package let description: String
}
