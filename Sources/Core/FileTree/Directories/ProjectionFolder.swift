internal import Specimens
internal import Support
internal import Volumes

/// `projections/` of a specimen.
struct ProjectionFolder: SpecimenSubfolder {
    let id: Int

    var node: Node { .projections(id) }
    var place: String { Self.name }

    static let name = "projections"

    func mayExist(_ row: Specimen) -> Bool { row.hasProjections }

    func known(_ context: SpecimenContext, _ tree: TreeState) -> Knowledge {
        context.stack == nil ? .absent : .known(.directory(modified: tree.time(of: context)))
    }

    func child(_ name: String) -> (any Entry)? {
        ProjectionFile.allCases.first { $0.name == name }.map { ObjectEntry(id: id, role: .projection($0)) }
    }

    func children(_ context: SpecimenContext) -> [(name: String, entry: any SpecimenEntry)] {
        ProjectionFile.allCases.map { ($0.name, ObjectEntry(id: id, role: .projection($0))) }
    }
}
