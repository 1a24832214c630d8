internal import Specimens

/// What the files at the top of a mount say about a folder.
enum FolderTexts {
    static func texts(_ location: FolderLocation, path: String, _ list: SpecimenList) -> SourceTexts {
        SourceTexts(
            name: "Folder \(location.name)",
            notes: """
                \(location.name)/ shows the \(list.specimens.count) cells of the folder \(path). Nothing is written there, and
                no copy is kept in the cache. A new or changed file shows after some seconds, or at its next open.

                A cell of this folder is a directory with one TIFF file (or a directory stack/ with one file for each plane), one
                SWC file, or both. It may have a .marker file, and a meta.json that says how far apart voxels are:
                {"stack": {"voxel_spacing_um": [z, y, x]}, "skeleton_units": "um", "species": "mouse", "donor": "A1"}. Files
                NAME.tif and NAME.swc in the folder itself are a cell, too. Images without a known spacing have no stack and no
                labels; the log says so.
                """,
            citation: "Data: files of \(path), which belong to their owner.\n")
    }
}
