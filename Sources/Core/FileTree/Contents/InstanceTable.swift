internal import Morphology
internal import SpecimenData
internal import Support

extension Tree {
    /// The bytes of `labels-instance.json`: what each id of `labels-instance/` is.
    func instanceTable(
        _ context: SpecimenContext, token: CancellationToken,
        completion: @escaping @Sendable (Result<[UInt8], FileTreeError>) -> Void
    ) {
        guard let image = context.stack?.planes.first,
            let subject = context.subject(in: image, endpoint: parts.endpoint)
        else { return completion(.failure(.notFound)) }
        parts.skeletons.skeleton(of: subject, token: token) { outcome in
            completion(
                outcome.mapError { .data($0) }.flatMap { skeleton in
                    do throws(LabelError) {
                        return .success(try InstanceTable.bytes(Sections(of: skeleton)))
                    } catch {
                        return .failure(.data(.labels(error)))
                    }
                })
        }
    }
}
