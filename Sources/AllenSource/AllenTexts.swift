internal import Specimens

/// What the files at the top of a mount say about the Allen Cell Types Database.
enum AllenTexts {
    static func texts(of list: SpecimenList) -> SourceTexts {
        let dendriteOnly = list.specimens.count { $0.isTrainable && $0.reconstructionType == "dendrite-only" }
        return SourceTexts(
            name: "Allen Cell Types Database",
            notes: """
                Plane NNNN is section_number - min(section_number): index = round(z / 0.28 um). Voxel (i, j, k) of a plane
                lies at ((i + x) * 0.1144, (j + y) * 0.1144, k * 0.28) um of the skeleton; x and y are in meta.json (1 and 1).

                Unlabelled is not proven background: one neuron is traced in a stack, others may be stained. Of
                \(dendriteOnly) of the traced cells only the dendrites are traced. The axon of these "dendrite-only" cells is
                background in their labels. nr__reconstruction_type in cells.csv says full or dendrite-only, and so does
                labels.reconstruction in meta.json. `neuronfs find --reconstruction full` lists the others.

                cells.json is the file that AllenSDK keeps as its cache of the list.
                """,
            citation: citation)
    }

    /// The citation that the Allen Institute asks for, and its terms.
    private static let citation = """
        Data: Allen Institute for Brain Science, Allen Cell Types Database.
        https://celltypes.brain-map.org/

        Cite as:
          (c) 2015 Allen Institute for Brain Science. Allen Cell Types Database.
          Available from: https://celltypes.brain-map.org/
        Citation policy:  https://alleninstitute.org/citation-policy/
        Terms of use:     https://alleninstitute.org/terms-of-use/

        Labels are drawn by NeuronFS from the database's skeletons; they are no data of the Allen Institute.

        """
}
