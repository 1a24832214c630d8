internal import Specimens
internal import Support

extension ImageOrigin {
    /// The service keeps JPEG 2000 and sends JPEG. Its tiles begin at multiples of a coding unit, so that they decode as the
    /// whole plane does.
    fileprivate static let imageService = ImageOrigin(
        photometric: "grey, the luma of the JPEG that the database serves; black is zero",
        lossy: "JPEG, decoded as 512 px tiles at offsets that are multiples of 16")
}

extension SpecimenObjects {
    /// The objects of `specimen`, whose API is at `endpoint`.
    init(of specimen: Specimen, _ details: SpecimenDetails, endpoint: String) {
        let skeleton = specimen.skeleton
        let marker = skeleton.flatMap { details.markerFileID(forSkeleton: $0.number) }
        var provenance: JSONObject = [
            "source": "Allen Institute for Brain Science, Allen Cell Types Database", "endpoint": .string(endpoint),
            "terms": "https://alleninstitute.org/terms-of-use/",
        ]
        if let skeleton { provenance["skeleton_file_id"] = .int(skeleton.number) }
        if let marker { provenance["marker_file_id"] = .int(marker) }
        if let recording = specimen.recording { provenance["recording_file_id"] = .int(recording.number) }
        self.init(
            stack: details.stack, spacing: .allen, imageOrigin: .imageService,
            skeleton: skeleton.map { SourceObject(id: $0) },
            marker: marker.map { SourceObject(id: .file($0, of: specimen.id)) },
            recording: specimen.recording.map { SourceObject(id: $0) },
            projections: details.projections.map { projection in
                ProjectionObject(
                    projection: projection,
                    object: SourceObject(
                        id: .image(projection.imageID, of: specimen.id),
                        frame: SourceObject.Frame(
                            x: projection.x, y: projection.y, width: projection.width, height: projection.height)))
            }, provenance: provenance)
    }
}
