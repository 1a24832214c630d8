package import Specimens

/// What an inode is. Every inode of the tree is a value of this type, computed from its number and back.
package enum Node: Hashable, Sendable {
    /// The mount point.
    case root
    /// A file at the top.
    case topFile(TopFile)
    /// `.neuronfs/`
    case control
    /// A file in `.neuronfs/`.
    case controlFile(ControlFile)
    /// `mouse/` or `human/`
    case species(Species)
    /// A top folder that is called by its source.
    case collection(String)
    /// `mouse/<id>/`
    case specimen(Int)
    /// A single file of a specimen.
    case specimenFile(Int, SpecimenFile)
    /// A folder of planes of a specimen.
    case planes(Int, Series)
    /// A plane: specimen, series, plane index.
    case plane(Int, Series, Int)
    /// `projections/` of a specimen.
    case projections(Int)
    /// A projection of a specimen.
    case projection(Int, ProjectionFile)
    /// A file or directory inside `stack.ome.zarr` or `labels.ome.zarr`: specimen, series, number within the store.
    case zarr(Int, Series, Int)
    /// `stack.ome.zarr/labels/` of a specimen, or a metadata file of this group.
    case labelsGroup(Int, LabelsGroupPart)
    /// A directory of the labels in `stack.ome.zarr/labels/`, or a metadata file that differs from that of `labels.ome.zarr`:
    /// specimen, number within `labels.ome.zarr`.
    case nestedLabels(Int, Int)
    /// `trainable/`
    case trainable
    /// `trainable/mouse/` or `trainable/human/`
    case trainableSpecies(Species)
    /// `trainable/<collection>/` of a top folder that is called by its source.
    case trainableCollection(String)
    /// `by-structure/` and its like.
    case grouping(Grouping)
    /// One group in it, by the hash of its name.
    case group(Grouping, UInt32)
    /// `splits/`
    case splits
    /// `splits/train/` and its like.
    case split(SplitPart)
    /// A symbolic link to a specimen.
    case link(LinkPlace, Int)
    /// A directory of a specimen, by its node in the specimen's own folder, as a view shows it.
    indirect case view(View, Node)
}

/// Files at the top of the mount.
package enum TopFile: UInt8, CaseIterable, Sendable {
    /// How to read the tree.
    case readme = 0
    /// What to cite.
    case citation = 1
    /// The catalogue as a table.
    case cellsCSV = 2
    /// The catalogue as JSON.
    case cellsJSON = 3

    /// The file name.
    package var name: String {
        switch self {
        case .readme: "README.txt"
        case .citation: "CITATION.txt"
        case .cellsCSV: "cells.csv"
        case .cellsJSON: "cells.json"
        }
    }
}

/// Files of `.neuronfs/`.
package enum ControlFile: UInt8, CaseIterable, Sendable {
    /// What the mount does now, as JSON.
    case status = 0
    /// Counters and gauges as Prometheus text.
    case metrics = 1
    /// The options in force, as JSON.
    case config = 2

    /// The file name.
    package var name: String {
        switch self {
        case .status: "status.json"
        case .metrics: "metrics"
        case .config: "config.json"
        }
    }
}

/// Single files of a specimen.
package enum SpecimenFile: UInt8, CaseIterable, Sendable {
    /// Every catalogue field, geometry, semantics.
    case meta = 0
    /// The database's skeleton file, untouched.
    case skeleton = 1
    /// The database's marker file, untouched.
    case marker = 2
    /// The recording.
    case recording = 3
    /// The ids of `labels-instance/`.
    case instances = 4
    /// The whole image stack as one BigTIFF.
    case stackVolume = 5
    /// All labels as one BigTIFF.
    case labelVolume = 6
    /// The whole image stack as one NumPy array.
    case stackArray = 7
    /// All labels as one NumPy array.
    case labelArray = 8

    /// The file name.
    package var name: String {
        switch self {
        case .meta: "meta.json"
        case .skeleton: "skeleton.swc"
        case .marker: "skeleton.marker"
        case .recording: "ephys.nwb"
        case .instances: "labels-instance.json"
        case .stackVolume: "stack.tif"
        case .labelVolume: "labels.tif"
        case .stackArray: "stack.npy"
        case .labelArray: "labels.npy"
        }
    }
}

/// The four projections the database holds of a stack.
package enum ProjectionFile: UInt8, CaseIterable, Sendable {
    /// Minimum along z.
    case minXY = 0
    /// Maximum along z.
    case maxXY = 1
    /// Minimum along x.
    case minYZ = 2
    /// Maximum along x.
    case maxYZ = 3

    /// The file name.
    package var name: String {
        switch self {
        case .minXY: "min_xy.jpg"
        case .maxXY: "max_xy.jpg"
        case .minYZ: "min_yz.jpg"
        case .maxYZ: "max_yz.jpg"
        }
    }
}

/// The group in which OME-Zarr puts the labels of an image.
package enum LabelsGroupPart: UInt8, CaseIterable, Sendable {
    /// The directory.
    case directory = 0
    /// `.zgroup`
    case metadata = 1
    /// `.zattrs`
    case attributes = 2
}

/// Directories of links, one directory a value.
package enum Grouping: UInt8, CaseIterable, Sendable {
    /// Links by specimen name.
    case name = 0
    /// By structure acronym.
    case structure = 1
    /// By cortical layer.
    case layer = 2
    /// By transgenic line.
    case line = 3
    /// By dendrite type.
    case dendriteType = 4

    /// The directory's name.
    package var folder: String {
        switch self {
        case .name: "by-name"
        case .structure: "by-structure"
        case .layer: "by-layer"
        case .line: "by-line"
        case .dendriteType: "by-dendrite-type"
        }
    }
}

/// Where a link to a specimen stands. A specimen has at most one link of each place. The codes 5 and 6 were those of links in
/// `trainable/` and `splits/`, and stay unused.
package enum LinkPlace: UInt8, CaseIterable, Sendable {
    /// `by-name/<name>`
    case name = 0
    /// `by-structure/<acronym>/<id>`
    case structure = 1
    /// `by-layer/<layer>/<id>`
    case layer = 2
    /// `by-line/<line>/<id>`
    case line = 3
    /// `by-dendrite-type/<type>/<id>`
    case dendriteType = 4
    /// `by-structure/<acronym of the parent structure>/<id>`: `VISp` holds what `VISp5` holds.
    case parentStructure = 7

    /// Directories between the mount point and the link.
    var depth: Int { self == .name ? 1 : 2 }
}
