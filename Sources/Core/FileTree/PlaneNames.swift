/// File names of planes: the plane index in four digits, `0000.tif`.
enum PlaneNames {
    static func name(_ index: Int) -> String {
        let digits = String(index)
        return String(repeating: "0", count: max(0, 4 - digits.utf8.count)) + digits + ".tif"
    }

    /// The index in a name; nil for every name that ``name(_:)`` does not make.
    static func index(_ name: String) -> Int? {
        guard name.hasSuffix(".tif"), let index = Int(name.dropLast(4)), index >= 0, Self.name(index) == name else {
            return nil
        }
        return index
    }
}
