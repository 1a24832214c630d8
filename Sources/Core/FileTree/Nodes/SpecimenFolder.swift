/// The folder of a specimen.
enum SpecimenFolder {
    /// Every name that the folder of the specimen `id` can hold, in the order of its listing.
    static func nodes(of id: Int) -> [(name: String, node: Node)] {
        func files(_ files: SpecimenFile...) -> [(name: String, node: Node)] {
            files.map { ($0.name, .specimenFile(id, $0)) }
        }
        func store(_ series: Series) -> (name: String, node: Node) {
            ("\(series.folder).ome.zarr", .zarr(id, series, 0))
        }
        return files(.meta, .skeleton, .marker, .recording)
            + [(Series.stack.folder, .planes(id, .stack)), ("projections", .projections(id))]
            + files(.stackVolume) + [store(.stack)]
            + Series.allCases.filter { $0 != .stack }.map { ($0.folder, .planes(id, $0)) }
            + files(.instances, .labelVolume) + [store(.labels)]
    }

    /// What `name` means in the folder of the specimen `id`; nil for a name that no specimen has.
    static func node(_ name: String, of id: Int) -> Node? { nodes(of: id).first { $0.name == name }?.node }
}
