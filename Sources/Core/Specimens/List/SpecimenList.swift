/// All specimens of a source at one time. Immutable: a newer list is another value with a higher ``generation``.
package struct SpecimenList: Sendable {
    /// The specimens, ascending by id.
    package let specimens: [Specimen]
    /// Wall clock, seconds since 1970, at which the source last confirmed the list.
    package let fetchedAt: Double
    /// Grows when the content changes. It stays when the source confirms the same list.
    package let generation: Int
    /// The specimens by structure, layer, line, dendrite type and name.
    package let groups: SpecimenGroups
    /// The specimens with both images and a skeleton, ascending.
    package let trainable: [Int]
    /// The trainable specimens divided for learning.
    package let splits: SpecimenSplits
    /// The content of cells.json: every row that the source has, also rows that are no specimen here.
    package let cellsJSON: [UInt8]
    /// The content of cells.csv: the same rows as a table.
    package let cellsCSV: [UInt8]

    /// The specimen `id`.
    package subscript(id: Int) -> Specimen? {
        var low = 0
        var high = specimens.count
        while low < high {
            let middle = (low + high) / 2
            if specimens[middle].id < id { low = middle + 1 } else { high = middle }
        }
        return low < specimens.count && specimens[low].id == id ? specimens[low] : nil
    }

    /// A list.
    ///
    /// - Parameters:
    ///   - specimens: no two with the same id, in any order.
    ///   - time: wall clock, seconds since 1970.
    ///   - generation: 1 or more.
    ///   - cellsJSON: the content of cells.json.
    ///   - cellsCSV: the content of cells.csv.
    package init(specimens: [Specimen], at time: Double, generation: Int, cellsJSON: [UInt8], cellsCSV: [UInt8]) {
        let specimens = specimens.sorted { $0.id < $1.id }
        self.specimens = specimens
        fetchedAt = time
        self.generation = generation
        groups = SpecimenGroups(specimens)
        let trainable = specimens.filter(\.isTrainable)
        self.trainable = trainable.map(\.id)
        splits = SpecimenSplits(trainable: trainable)
        self.cellsJSON = cellsJSON
        self.cellsCSV = cellsCSV
    }
}
