import Specimens
import Support
import TestTools
import Testing

@Suite struct ListTests {
    @Test func everySpecimenIsFoundByItsID() {
        var generator = Seeded(11)
        let ids = Set((0..<200).map { _ in Int.random(in: 1...1000, using: &generator) })
        let list = SpecimenList(of: ids.shuffled(using: &generator).map { Specimen(id: $0) })
        #expect(list.specimens.map(\.id) == ids.sorted())
        for id in 0...1001 { #expect(list[id]?.id == (ids.contains(id) ? id : nil)) }
    }

    /// Ids of other sources than the Allen database need not fit in 32 bits.
    @Test func aLargeIDIsAnID() {
        let list = SpecimenList(of: [Specimen(id: .max), Specimen(id: 1)])
        #expect(list.specimens.map(\.id) == [1, .max])
        #expect(list[.max]?.id == .max)
    }

    @Test func whatASpecimenHasFollowsFromItsFields() {
        let bare = Specimen(id: 1)
        #expect(!bare.hasSkeleton && !bare.hasImages && !bare.isTrainable)
        let traced = Specimen(id: 1, skeleton: .file(2, of: 1))
        #expect(traced.hasSkeleton && !traced.isTrainable)
        #expect(Specimen(id: 1, skeleton: .file(2, of: 1), hasImages: true).isTrainable)
    }

    @Test func aRowComesBackAsItWasSpelt() throws {
        let row: JSONObject = ["b": .number("1.50"), "a": .array([.null, .string("\u{E9}")])]
        let specimen = Specimen(id: 1, name: "x", place: Place(.mouse, 1), species: .mouse, row: RowText(row))
        #expect(specimen.row == row)
        #expect(
            specimen.hasSameRow(
                as: Specimen(id: 2, name: "y", place: Place(.human, 2), species: .human, row: RowText(row))))
        var other = row
        other["b"] = .number("1.5")
        #expect(
            !specimen.hasSameRow(
                as: Specimen(id: 1, name: "x", place: Place(.mouse, 1), species: .mouse, row: RowText(other))))
    }

    @Test(arguments: [("Mus musculus", Species.mouse), ("homo SAPIENS", .human), ("Rattus", nil), ("", nil)])
    func speciesByTheirScientificNames(_ name: String, _ species: Species?) {
        #expect(Species(scientificName: name) == species)
    }
}

extension Specimen {
    /// A mouse cell of donor 1 without a row.
    init(
        id: Int, donorID: Int? = 1, donorName: String? = nil, structure: String? = nil, parent: String? = nil,
        layer: String? = nil, line: String? = nil, dendriteType: String? = nil, skeleton: ObjectID? = nil,
        hasImages: Bool = false
    ) {
        self.init(
            id: id, name: "cell \(id)", place: Place(.mouse, id), species: .mouse, donorID: donorID,
            donorName: donorName,
            structureAcronym: structure, structureParentAcronym: parent, layer: layer, lineName: line,
            dendriteType: dendriteType, skeleton: skeleton, hasImages: hasImages, row: RowText([:]))
    }
}

extension SpecimenList {
    /// A list without documents.
    init(of specimens: [Specimen]) {
        self.init(specimens: specimens, at: 0, generation: 1, cellsJSON: [], cellsCSV: [])
    }
}
