package import Fetch
package import Specimens

/// Tells whether bytes are still of the present version of the objects they were made from.
package struct VersionWatch: Sendable {
    private let current: @Sendable () -> Bool
    private let changed: @Sendable () -> Bool

    /// - Parameters:
    ///   - isCurrent: whether the version is still the present one.
    ///   - hasChanged: whether an earlier open in this mount may have got bytes of an earlier version.
    package init(isCurrent: @escaping @Sendable () -> Bool, hasChanged: @escaping @Sendable () -> Bool) {
        current = isCurrent
        changed = hasChanged
    }

    /// Watches objects of which `versions` were used.
    package init(_ versions: [ObjectVersion], _ registry: ObjectRegistry) {
        self.init {
            registry.holds(versions)
        } hasChanged: {
            versions.contains { registry.hasChanged($0.id) }
        }
    }

    /// Whether the version is still the present one.
    package var isCurrent: Bool { current() }

    /// Whether an earlier open in this mount may have got bytes of an earlier version.
    package var hasChanged: Bool { changed() }
}
