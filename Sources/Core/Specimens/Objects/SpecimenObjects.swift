package import Support

/// What a source has of one specimen: its stack, and its files as objects that can be read.
package struct SpecimenObjects: Sendable {
    /// A projection of the stack and the picture that shows it.
    package struct ProjectionObject: Hashable, Sendable {
        /// Axes, function and size.
        package let projection: Projection
        /// The JPEG.
        package let object: SourceObject

        /// The projection that the picture `object` shows.
        package init(projection: Projection, object: SourceObject) {
            self.projection = projection
            self.object = object
        }
    }

    /// The image planes; nil for a specimen without images.
    package let stack: ImageStack?
    /// Distance of two voxels of the stack. Without a stack: of the stacks of this source, in which its skeletons count.
    package let spacing: VoxelSpacing
    /// How the grey values of the stack come about.
    package let imageOrigin: ImageOrigin
    /// The most halvings of width and height in which the source gives the planes; nil for any number.
    package let largestLevel: Int?
    /// The traced skeleton, SWC.
    package let skeleton: SourceObject?
    /// The units of the skeleton, whatever the file itself says; nil where the file is to say it.
    package let skeletonUnits: SkeletonUnits?
    /// The marker file that belongs to the skeleton.
    package let marker: SourceObject?
    /// The recording, NWB.
    package let recording: SourceObject?
    /// The projections, at most one of each kind.
    package let projections: [ProjectionObject]
    /// Where the specimen comes from: the member `provenance` of its meta.json.
    package let provenance: JSONObject

    /// The objects of a specimen.
    ///
    /// - Parameter spacing: counts where there is no stack.
    package init(
        stack: ImageStack? = nil, spacing: VoxelSpacing, imageOrigin: ImageOrigin = .file, largestLevel: Int? = nil,
        skeleton: SourceObject? = nil, skeletonUnits: SkeletonUnits? = nil,
        marker: SourceObject? = nil, recording: SourceObject? = nil, projections: [ProjectionObject] = [],
        provenance: JSONObject = [:]
    ) {
        self.stack = stack
        self.spacing = stack?.spacing ?? spacing
        self.imageOrigin = imageOrigin
        self.largestLevel = largestLevel
        self.skeleton = skeleton
        self.skeletonUnits = skeletonUnits
        self.marker = marker
        self.recording = recording
        self.projections = projections
        self.provenance = provenance
    }
}
