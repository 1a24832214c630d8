package import Catalogue
package import Specimens
public import Support

/// What the source has of one specimen: its stack, and its files as objects that can be read.
public struct SpecimenObjects: Sendable {
    /// A projection of the stack and the picture that shows it.
    package struct ProjectionObject: Sendable {
        /// Axes, function and size.
        package let projection: Projection
        /// The JPEG.
        package let file: RemoteFile
    }

    /// The image planes; nil for a specimen without images.
    package let stack: ImageStack?
    /// The traced skeleton, SWC.
    public let skeleton: RemoteFile?
    /// The marker file that belongs to the skeleton.
    public let marker: RemoteFile?
    /// The recording, NWB.
    public let recording: RemoteFile?
    /// The projections, at most one of each kind.
    package let projections: [ProjectionObject]
    /// Where the specimen comes from: the member `provenance` of its meta.json.
    public let provenance: JSONObject

    /// The objects of `specimen`, whose API is at `endpoint`.
    package init(of specimen: Specimen, _ details: SpecimenDetails, endpoint: String) {
        func file(_ number: Int) -> RemoteFile {
            RemoteFile(
                id: RemoteFile.id(of: number, specimen: specimen.id), url: RMA.fileURL(base: endpoint, fileID: number))
        }
        let skeletonID = specimen.skeleton?.number
        let markerID = skeletonID.flatMap { details.markerFileID(forSkeleton: $0) }
        stack = details.stack
        skeleton = skeletonID.map(file)
        marker = markerID.map(file)
        recording = (specimen.recording?.number).map(file)
        projections = details.projections.map { projection in
            ProjectionObject(
                projection: projection,
                file: RemoteFile(
                    id: "\(specimen.id)/image/\(projection.imageID)",
                    url: RMA.imageURL(
                        base: endpoint, imageID: projection.imageID, left: projection.x, top: projection.y,
                        width: projection.width, height: projection.height),
                    picture: PictureSize(width: projection.width, height: projection.height)))
        }
        var provenance: JSONObject = [
            "source": "Allen Institute for Brain Science, Allen Cell Types Database", "endpoint": .string(endpoint),
            "terms": "https://alleninstitute.org/terms-of-use/",
        ]
        if let id = skeletonID { provenance["skeleton_file_id"] = .int(id) }
        if let id = markerID { provenance["marker_file_id"] = .int(id) }
        if let id = specimen.recording?.number { provenance["recording_file_id"] = .int(id) }
        self.provenance = provenance
    }
}
