internal import Specimens
internal import Support
internal import Volumes

/// A folder of planes: `stack/`, `labels/` and its like.
struct PlaneFolder: SpecimenSubfolder {
    let id: Int
    let series: Series

    var node: Node { .planes(id, series) }
    var place: String { series.folder }

    func mayExist(_ row: Specimen) -> Bool { series.mayExist(row) }

    func known(_ context: SpecimenContext, _ tree: TreeState) -> Knowledge {
        series.exists(context) ? .known(.directory(modified: tree.time(of: context))) : .absent
    }

    func child(_ name: String) -> (any Entry)? {
        PlaneNames.index(name).flatMap { index in
            index < ImageStack.maximumDepth ? PlaneEntry(id: id, index: index, series: series) : nil
        }
    }

    func children(_ context: SpecimenContext) -> [(name: String, entry: any SpecimenEntry)] {
        context.planeIndices.map { (PlaneNames.name($0), PlaneEntry(id: id, index: $0, series: series)) }
    }
}

extension Series {
    /// False where the row of a specimen rules this series out.
    func mayExist(_ row: Specimen) -> Bool { self == .stack ? row.hasImages : row.isTrainable }

    /// Whether a specimen has this series.
    func exists(_ context: SpecimenContext) -> Bool { self == .stack ? context.stack != nil : context.hasLabels }
}

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
