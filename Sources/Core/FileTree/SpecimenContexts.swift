internal import Specimens
internal import Support
internal import Volumes

/// The contexts of the specimens looked at last.
final class SpecimenContexts: Sendable {
    private struct Kept {
        var context: SpecimenContext
        /// When it is put together anew; nil for one that is complete.
        var end: Instant?
    }

    private let parts: TreeParts
    private let current: Monitor<TreeIndex>
    private let kept = Monitor<[Int: Kept]>([:])

    /// Seconds for which a context without the date of its skeleton is kept. The question for it fails again and again
    /// during an outage, and each look at the folder would wait for it.
    private static let bareLife = 10.0

    /// Specimens whose context is kept; a context of 700 planes takes about 100 kB.
    private static let limit = 128

    /// - Parameter current: the present list of cells.
    init(_ parts: TreeParts, _ current: Monitor<TreeIndex>) {
        self.parts = parts
        self.current = current
    }

    /// The context of a specimen if it is in memory.
    func cached(_ id: Int) -> SpecimenContext? {
        guard let kept = kept.withLock({ $0[id] }) else { return nil }
        if let end = kept.end, end <= .now { return nil }
        return kept.context
    }

    /// The context of a specimen: its objects and the record of its skeleton.
    func context(of id: Int, token: CancellationToken) -> Answer<SpecimenContext> {
        if let context = cached(id) { return Promise(.success(context)) }
        guard let specimen = current.withLock({ $0 }).snapshot[id] else { return Promise(.failure(.notFound)) }
        return .answer { completion in
            parts.source.objects(of: specimen, token: token).whenDone { [self] outcome in
                switch outcome {
                case .failure(let error):
                    completion(.failure(.data(VolumeError(error, what: "what the source has of cell \(id)"))))
                case .success(let objects): complete(specimen, objects, token: token, completion: completion)
                }
            }
        }
    }

    private func complete(
        _ specimen: Specimen, _ objects: SpecimenObjects, token: CancellationToken,
        completion: @escaping @Sendable (Result<SpecimenContext, FileTreeError>) -> Void
    ) {
        let bare = SpecimenContext(specimen: specimen, objects: objects, skeletonModified: nil)
        guard let skeleton = objects.skeleton else {
            keep(bare)
            return completion(.success(bare))
        }
        parts.files.version(of: skeleton, token: token).whenDone { [self] outcome in
            switch outcome {
            case .failure(.cancelled): completion(.failure(.data(.cancelled)))
            case .failure:
                // The folder is shown all the same; the skeleton itself will tell what is wrong with it.
                keep(bare, until: .now.advanced(bySeconds: Self.bareLife))
                completion(.success(bare))
            case .success(let version):
                let context = SpecimenContext(
                    specimen: specimen, objects: objects, skeletonModified: version.modified)
                keep(context)
                completion(.success(context))
            }
        }
    }

    /// Whether the present list of cells says of the specimen what it said when the context was begun.
    func isCurrent(_ context: SpecimenContext) -> Bool {
        current.withLock { $0 }.snapshot[context.id].map { $0.hasSameRow(as: context.specimen) } ?? false
    }

    private func keep(_ context: SpecimenContext, until end: Instant? = nil) {
        guard isCurrent(context) else { return }
        kept.withLock { kept in
            if kept.count >= Self.limit, let victim = kept.keys.first { kept[victim] = nil }
            kept[context.id] = Kept(context: context, end: end)
        }
    }

    /// Forgets the context of a specimen.
    func remove(_ id: Int) { kept.withLock { $0[id] = nil } }

    /// Forgets all contexts.
    func removeAll() { kept.withLock { $0 = [:] } }
}
