import TestTools

/// What happens to a mount, step by step: what a reader does, and what the source does meanwhile.
enum Step: CustomStringConvertible {
    /// A name in a folder of a cell.
    case lookUp(cell: Int, at: Place = .own, name: String)
    /// All folders of a cell at a place, and those of the list of cells.
    case list(cell: Int, at: Place = .own)
    case stat(cell: Int, at: Place = .own, name: String)
    case open(cell: Int, at: Place = .own, name: String)
    /// Through one of the open handles. `place` is 0..<1 of what the handle reads.
    case read(handle: Int, place: Double, count: Int)
    case close(handle: Int)
    /// The object of the source changes.
    case change(cell: Int, object: Object)
    /// A newer list of cells says something else of a cell.
    case edit(cell: Int, Edit)
    /// Requests fail from now on, or do not.
    case fail(Bool)

    /// Where the folder of a cell stands.
    enum Place: String, CaseIterable {
        case own = "mouse"
        case trainable = "trainable/mouse"
        case train = "splits/train"
        case val = "splits/val"
        case test = "splits/test"
    }

    enum Object: CaseIterable {
        case skeleton, recording, firstPlane, lastPlane
    }

    enum Edit: CaseIterable {
        case layer, images, skeleton, recording, cell
    }

    var description: String {
        switch self {
        case .lookUp(let cell, let place, let name): "lookUp \(place.rawValue)/\(cell)/\(name)"
        case .list(let cell, let place): "list \(place.rawValue)/\(cell)"
        case .stat(let cell, let place, let name): "stat \(place.rawValue)/\(cell)/\(name)"
        case .open(let cell, let place, let name): "open \(place.rawValue)/\(cell)/\(name)"
        case .read(let handle, let place, let count): "read handle \(handle) at \(place), \(count) bytes"
        case .close(let handle): "close handle \(handle)"
        case .change(let cell, let object): "change \(object) of \(cell)"
        case .edit(let cell, let edit): "edit \(edit) of \(cell)"
        case .fail(let fails): fails ? "the source fails" : "the source answers"
        }
    }
}

/// Makes and shortens stories.
enum Story {
    /// Names that a cell may have, and one that none has.
    private static let names = [
        "meta.json", "skeleton.swc", "ephys.nwb", "stack", "stack/0001.tif", "stack/0002.tif", "stack.tif", "stack.npy",
        "labels/0000.tif", "labels/0001.tif", "labels.npy", "labels-instance.json", "labels.ome.zarr", "projections",
        "nothing",
    ]
    /// Those whose bytes the model knows.
    private static let readable = [
        "skeleton.swc", "ephys.nwb", "stack/0000.tif", "stack/0003.tif", "stack.tif", "stack.npy", "labels/0001.tif",
        "labels.tif",
    ]

    /// The story with this seed.
    static func steps(_ seed: UInt64, count: Int) -> [Step] {
        var random = Seeded(seed)
        return (0..<count).map { _ in step(&random) }
    }

    private static func step(_ random: inout Seeded) -> Step {
        func pick<Value>(_ values: [Value]) -> Value { values[Int.random(in: 0..<values.count, using: &random)] }
        let cell = pick(CellWorld.ids)
        let place = pick(Step.Place.allCases + [.own, .own, .trainable, .train])
        return switch Int.random(in: 0..<100, using: &random) {
        case 0..<15: .lookUp(cell: cell, at: place, name: pick(names))
        case 15..<20: .list(cell: cell, at: place)
        case 20..<32: .stat(cell: cell, at: place, name: pick(names))
        case 32..<50: .open(cell: cell, at: place, name: pick(readable))
        case 50..<78:
            .read(
                handle: Int.random(in: 0..<8, using: &random), place: Double.random(in: 0..<1, using: &random),
                count: Int.random(in: 1...200_000, using: &random))
        case 78..<82: .close(handle: Int.random(in: 0..<8, using: &random))
        case 82..<90: .change(cell: cell, object: pick(Step.Object.allCases))
        case 90..<95: .edit(cell: cell, pick(Step.Edit.allCases))
        case 95..<97: .fail(true)
        default: .fail(false)
        }
    }

    /// The fewest steps found that still have a fault: larger parts are left out first, then single steps.
    static func shortest(_ steps: [Step], fault: ([Step]) throws -> String?) rethrows -> [Step] {
        var steps = steps
        var length = steps.count / 2
        while length > 0 {
            var start = 0
            while start < steps.count {
                let fewer = Array(steps[..<start] + steps[min(start + length, steps.count)...])
                if try fault(fewer) != nil { steps = fewer } else { start += length }
            }
            length /= 2
        }
        return steps
    }
}
