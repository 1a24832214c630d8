internal import Specimens
internal import Support

/// A file at the top of the mount.
struct TopFileEntry: CatalogueEntry, File {
    let file: TopFile

    var node: Node { .topFile(file) }

    func path(_ index: TreeIndex) -> String? { file.name }

    func facts(_ index: TreeIndex) -> Facts? {
        .file(size: bytes(index).count, modified: index.snapshot.fetchedAt)
    }

    func open(_ tree: TreeState, token: CancellationToken) -> Answer<any OpenFile> {
        let index = tree.index
        return Promise(.success(tree.catalogueFile(bytes(index), node, of: index.snapshot.generation)))
    }

    private func bytes(_ index: TreeIndex) -> [UInt8] { index.topFiles[file] ?? [] }
}

extension TopFile {
    /// The bytes of this file for one version of the list of cells.
    func bytes(_ list: SpecimenList, _ texts: SourceTexts) -> [UInt8] {
        switch self {
        case .readme: Array(TopTexts.readme(list, texts).utf8)
        case .citation: Array(texts.citation.utf8)
        case .cellsCSV: list.cellsCSV
        case .cellsJSON: list.cellsJSON
        }
    }
}

/// The texts at the top of the mount.
enum TopTexts {
    static func readme(_ list: SpecimenList, _ texts: SourceTexts) -> String {
        let title = "\(texts.name), mounted by NeuronFS"
        let trainable = list.specimens.count(where: \.isTrainable)
        return """
            \(title)
            \(String(repeating: "=", count: title.count))

            \(list.specimens.count) cells, \(trainable) of them with images and a hand-traced skeleton (trainable/).

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
                stack.npy, labels.npy                  the same for numpy.load(path, mmap_mode="r")
                stack.ome.zarr/, labels.ome.zarr/      OME-Zarr 0.4, several levels; stack.ome.zarr/labels/ has the
                                                       labels too, so that napari shows both
                projections/       minimum and maximum projections of the database
              trainable/           the cells with both images and skeleton: directories with the same files
              splits/              train, val and test of those, by donor: no animal is in two
              by-name/ by-structure/ by-layer/ by-line/ by-dendrite-type/
                                   symbolic links: find -L, cp -rL, rsync -aL and tar -h follow them
              cells.csv, cells.json                    the catalogue
              .neuronfs/           status, metrics and options of this mount

            A plane that the database does not have is missing from stack/ and labels/ alike: take z from a file's name,
            not from its place in a sorted list. meta.json lists these planes (stack.missing_planes); `neuronfs find
            --complete` lists the cells without any. In stack.tif, stack.npy and stack.ome.zarr such a plane is
            black, in labels.tif, labels.npy and labels.ome.zarr it is 255, unknown.

            \(texts.notes)

            Bytes come from the source on first read and are kept in a block cache. `cp` works; so does every reader.

            """
    }
}
