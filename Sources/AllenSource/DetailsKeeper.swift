internal import Logging
internal import Specimens
internal import Support

/// Planes, projections and files of a cell, fetched on first need and kept in the catalogue.
final class DetailsKeeper: Sendable {
    private let api: AllenAPI
    private let store: CatalogueStore
    private let workers: WorkerPool
    private let logger: Logger
    private let recent = MemoryCache<Int, SpecimenDetails>(limit: 128)
    private let flights: FlightTable<Int, SpecimenDetails, SourceError>

    init(api: AllenAPI, store: CatalogueStore, workers: WorkerPool, logger: Logger) {
        self.api = api
        self.store = store
        self.workers = workers
        self.logger = logger
        flights = FlightTable(cancelled: .cancelled, logger: logger)
    }

    /// The objects of `specimen`: from memory, from the catalogue, or by up to three queries side by side.
    func objects(of specimen: Specimen, token: CancellationToken) -> Promise<SpecimenObjects, SourceError> {
        let endpoint = api.endpoint
        return details(of: specimen, token: token).map { SpecimenObjects(of: specimen, $0, endpoint: endpoint) }
    }

    private func details(
        of specimen: Specimen, token: CancellationToken
    ) -> Promise<SpecimenDetails, SourceError> {
        if let details = recent[specimen.id] { return Promise(.success(details)) }
        return flights.join(specimen.id, token: token) { token in
            let (promise, resolver) = Promise<SpecimenDetails, SourceError>.pending()
            let queued = workers.submit { [self] in
                if let details = kept(specimen.id), details.isComplete {
                    recent.insert(details, for: specimen.id, cost: 1)
                    return _ = resolver.resolve(.success(details))
                }
                fetch(specimen, token: token).whenDone { resolver.resolve($0) }
            }
            if !queued { resolver.resolve(.failure(.shutDown)) }
            return promise
        }
    }

    private func kept(_ specimen: Int) -> SpecimenDetails? {
        do throws(CatalogueError) {
            return try store.details(of: specimen)
        } catch {
            logger.warning("catalogue unreadable", metadata: ["specimen": "\(specimen)", "reason": "\(error)"])
            return nil
        }
    }

    private func fetch(_ specimen: Specimen, token: CancellationToken) -> Promise<SpecimenDetails, SourceError> {
        func rows(_ part: SpecimenDetails.Part, if isThere: Bool) -> Promise<[JSONObject], SourceError> {
            // A query that the row of the cell answers with "none" is not made.
            isThere ? api.rows(of: part, specimen: specimen.id, token: token) : Promise(.success([]))
        }
        return Promise.all([
            rows(.subImages, if: specimen.hasImages), rows(.projections, if: specimen.hasImages),
            rows(.reconstructions, if: specimen.hasSkeleton),
        ]).map { [self] parts in
            keep(specimen.id, subImages: parts[0], projections: parts[1], reconstructions: parts[2])
        }
    }

    private func keep(
        _ specimen: Int, subImages: [JSONObject], projections: [JSONObject], reconstructions: [JSONObject]
    ) -> SpecimenDetails {
        let details = SpecimenDetails(
            of: specimen, subImages: subImages, projections: projections, reconstructions: reconstructions,
            at: wallClockSeconds())
        do throws(CatalogueError) {
            try store.saveDetails(
                subImages: subImages, projections: projections, reconstructions: reconstructions, of: specimen,
                at: details.fetchedAt)
        } catch {
            // Served from memory; the next mount asks again. The store warns once, and not for every cell.
            logger.debug("catalogue not writable", metadata: ["specimen": "\(specimen)", "reason": "\(error)"])
        }
        for issue in details.issues { logger.notice("\(issue)", metadata: ["specimen": "\(specimen)"]) }
        recent.insert(details, for: specimen, cost: 1)
        return details
    }
}
