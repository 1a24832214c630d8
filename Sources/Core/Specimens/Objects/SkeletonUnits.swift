/// What the numbers of a skeleton count.
package enum SkeletonUnits: String, Sendable {
    /// Micrometres.
    case um
    /// Columns, rows and planes of the stack.
    case px
    /// Nanometres.
    case nm
}
