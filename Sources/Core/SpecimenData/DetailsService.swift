internal import Catalogue
internal import Fetch
internal import Logging
internal import Specimens
public import Support

/// Planes, projections and files of a specimen, fetched on first need and kept in the catalogue.
public final class DetailsService: Sendable {
    private let origin: Origin
    private let registry: ObjectRegistry
    private let catalogue: CatalogueService
    private let recent = MemoryCache<Int, SpecimenObjects>(limit: 128)
    private let flights: FlightTable<Int, SpecimenObjects>

    /// A service over `origin`.
    public init(origin: Origin, registry: ObjectRegistry, catalogue: CatalogueService) {
        self.origin = origin
        flights = FlightTable(logger: origin.logger)
        self.registry = registry
        self.catalogue = catalogue
    }

    /// The objects of `specimen`: from memory, from the catalogue, or from the origin (three queries side by side).
    public func objects(
        of specimen: Int, token: CancellationToken,
        completion: @escaping @Sendable (Result<SpecimenObjects, SpecimenDataError>) -> Void
    ) {
        if let objects = recent[specimen] { return completion(.success(objects)) }
        guard let row = catalogue.snapshot[specimen] else { return completion(.failure(.absent)) }
        flights.join(specimen, token: token, completion: completion) { token, finish in
            let queued = origin.workers.submit { [self] in
                do throws(CatalogueError) {
                    if let details = try origin.store.details(of: specimen), details.isComplete {
                        return finish(.success(keep(details, of: row)))
                    }
                } catch {
                    origin.logger.warning(
                        "catalogue unreadable", metadata: ["specimen": "\(specimen)", "reason": "\(error)"])
                }
                fetch(row, token: token, completion: finish)
            }
            if !queued { finish(.failure(.shutDown)) }
        }
    }

    /// The three queries.
    private enum Part: Sendable {
        case planes, projections, reconstructions
    }

    /// The three replies as they come in.
    private struct Parts {
        var planes: [JSONObject]?
        var projections: [JSONObject]?
        var reconstructions: [JSONObject]?
        var isOver = false
    }

    private func fetch(
        _ specimen: Specimen, token: CancellationToken,
        completion: @escaping @Sendable (Result<SpecimenObjects, SpecimenDataError>) -> Void
    ) {
        let id = specimen.id
        let endpoint = origin.endpoint
        // A query that the catalogue's row already answers with "none" is not asked.
        let parts = Monitor(
            Parts(
                planes: specimen.hasImages ? nil : [], projections: specimen.hasImages ? nil : [],
                reconstructions: specimen.hasSkeleton ? nil : []))
        let arrive:
            @Sendable (Result<RMARows, SpecimenDataError>, Part)
                -> Void = { [self] outcome, part in
                    var complete: Parts?
                    var failure: SpecimenDataError?
                    parts.withLock { parts in
                        guard !parts.isOver else { return }
                        switch outcome {
                        case .success(let rows):
                            switch part {
                            case .planes: parts.planes = rows.rows
                            case .projections: parts.projections = rows.rows
                            case .reconstructions: parts.reconstructions = rows.rows
                            }
                            guard parts.planes != nil, parts.projections != nil, parts.reconstructions != nil else {
                                return
                            }
                            complete = parts
                        case .failure(let error): failure = error
                        }
                        parts.isOver = true
                    }
                    if let failure { completion(.failure(failure)) }
                    if let complete { finish(specimen, complete, completion: completion) }
                }
        guard specimen.hasImages || specimen.hasSkeleton else {
            return finish(specimen, Parts(planes: [], projections: [], reconstructions: []), completion: completion)
        }
        if specimen.hasImages {
            origin.rows(
                { RMA.subImagesURL(base: endpoint, specimenID: id, startRow: $0) }, within: .details, token: token
            ) {
                arrive($0, .planes)
            }
            origin.rows(
                { RMA.projectionsURL(base: endpoint, specimenID: id, startRow: $0) }, within: .details, token: token
            ) {
                arrive($0, .projections)
            }
        }
        if specimen.hasSkeleton {
            origin.rows(
                { RMA.reconstructionsURL(base: endpoint, specimenID: id, startRow: $0) }, within: .details, token: token
            ) {
                arrive($0, .reconstructions)
            }
        }
    }

    private func finish(
        _ specimen: Specimen, _ parts: Parts,
        completion: @escaping @Sendable (Result<SpecimenObjects, SpecimenDataError>) -> Void
    ) {
        let details = SpecimenDetails(
            of: specimen.id, subImages: parts.planes ?? [], projections: parts.projections ?? [],
            reconstructions: parts.reconstructions ?? [], at: wallClockSeconds())
        do throws(CatalogueError) {
            try origin.store.saveDetails(
                subImages: parts.planes, projections: parts.projections, reconstructions: parts.reconstructions,
                of: specimen.id, at: details.fetchedAt)
        } catch {
            // Served from memory; asked for again by the next mount. The store warns, once and not for every cell.
            origin.logger.debug(
                "catalogue not writable", metadata: ["specimen": "\(specimen.id)", "reason": "\(error)"])
        }
        for issue in details.issues {
            origin.logger.notice("\(issue)", metadata: ["specimen": "\(specimen.id)"])
        }
        completion(.success(keep(details, of: specimen)))
    }

    private func keep(_ details: SpecimenDetails, of specimen: Specimen) -> SpecimenObjects {
        let objects = SpecimenObjects(of: specimen, details, endpoint: origin.endpoint)
        recent.insert(objects, for: specimen.id, cost: 1)
        return objects
    }
}
