internal import Specimens

/// The texts at the top of the mount.
enum TopTexts {
    static func readme(_ snapshot: SpecimenList) -> String {
        let trainable = snapshot.specimens.count(where: \.isTrainable)
        let dendriteOnly = snapshot.specimens.count { $0.isTrainable && $0.reconstructionType == "dendrite-only" }
        return """
            Allen Cell Types Database, mounted by NeuronFS
            ==============================================

            \(snapshot.specimens.count) cells, \(trainable) of them with images and a hand-traced skeleton (trainable/).

              mouse/<specimen id>/, human/<specimen id>/
                meta.json          every catalogue field, geometry, how skeleton and image fit together
                skeleton.swc       the database's bytes; micrometres; absent where nobody traced the cell
                skeleton.marker    marker file, where there is one
                ephys.nwb          the recording
                stack/0000.tif     image planes: 8-bit grey, uncompressed, memory-mappable
                labels/0000.tif    the same names and shapes: 0 background, 1 soma, 2 axon, 3 basal dendrite,
                                   4 apical dendrite, 255 unknown; drawn from the skeleton as you read
                labels-*/          other forms of the labels
                stack.tif, labels.tif                  the whole volume as one BigTIFF (z, y, x)
                stack.ome.zarr/, labels.ome.zarr/      OME-Zarr 0.4, several levels
                projections/       minimum and maximum projections of the database
              trainable/           links to the cells with both images and skeleton
              splits/              train, val and test of those, by donor: no animal is in two
              by-name/ by-structure/ by-layer/ by-line/ by-dendrite-type/    links
              cells.csv, cells.json                    the catalogue; cells.json as AllenSDK caches it
              .neuronfs/           status, metrics and options of this mount

            Plane NNNN is section_number - min(section_number): index = round(z / 0.28 um). Voxel (i, j, k) of a plane
            lies at ((i + x) * 0.1144, (j + y) * 0.1144, k * 0.28) um of the skeleton; x and y are in meta.json (1 and 1).

            A plane that the database does not have is missing from stack/ and labels/ alike: take z from a file's name,
            not from its place in a sorted list. meta.json lists these planes (stack.missing_planes); `neuronfs find
            --complete` lists the cells without any. In stack.tif and stack.ome.zarr such a plane is black, in labels.tif
            and labels.ome.zarr it is 255, unknown.

            Unlabelled is not proven background: one neuron is traced in a stack, others may be stained. Of
            \(dendriteOnly) of the traced cells only the dendrites are traced. The axon of these "dendrite-only" cells is
            background in their labels. nr__reconstruction_type in cells.csv says full or dendrite-only, and so does
            labels.reconstruction in meta.json. `neuronfs find --reconstruction full` lists the others.

            Bytes come from the origin on first read and are kept in a block cache. `cp` works; so does every reader.

            """
    }

    /// The citation that the Allen Institute asks for, and its terms.
    static let citation = """
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
