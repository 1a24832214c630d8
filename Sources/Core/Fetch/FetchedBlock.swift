internal import Specimens

/// A block as a reader gets it.
package struct FetchedBlock: Sendable {
    /// The bytes, checked.
    package let bytes: [UInt8]
    /// The pixels of a tile, row by row; nil for other parts.
    package let pixels: [UInt8]?
    /// The version that the bytes belong to: ``Specimens/ObjectRecord/validator``.
    package let version: String
    /// Whether they came from the store.
    package let isFromStore: Bool
}

extension BlockRequest {
    /// Whether a reply of `version` is what the caller expects.
    func accepts(_ version: String) -> Bool { expected == nil || expected == version }
}
