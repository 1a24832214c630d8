package import Logging
package import Specimens
package import Support

/// The Allen Cell Types Database: its API, its image service and its downloads, with a catalogue on disk.
package final class AllenSource: SpecimenSource {
    package let identity: String
    package let blocks: any BlockSource
    package var records: any ObjectRecords { store }
    private let store: CatalogueStore
    private let cells: CellListKeeper
    private let details: DetailsKeeper

    /// Brings up the list of cells: from disk when `store` holds one, else from the API.
    ///
    /// Blocks until then: for the start of a mount, never for a thread that serves.
    ///
    /// - Parameters:
    ///   - identity: names the database in the keys of blocks, whatever its address is at the moment.
    ///   - endpoint: base of the API, for example `https://api.brain-map.org`, without a slash at the end.
    ///   - store: the catalogue of this database; the caller closes it after the source.
    ///   - workers: run what waits for the disk or parses; shut down after the source.
    ///   - timeout: seconds after which an unanswered metadata request is given up.
    /// - Throws: the reason why there is no list; the message names the host.
    package init(
        identity: String, endpoint: String, store: CatalogueStore, network: Network, workers: WorkerPool,
        timeout: Double, logger: Logger
    ) throws(SourceError) {
        self.identity = identity
        self.store = store
        blocks = HTTPBlockSource(
            endpoint: endpoint, network: network, workers: workers, timeout: timeout, logger: logger)
        let api = AllenAPI(
            endpoint: endpoint,
            queries: RowQueries(network: network, workers: workers, timeout: timeout, logger: logger))
        cells = try CellListKeeper(api: api, store: store, network: network, logger: logger)
        details = DetailsKeeper(api: api, store: store, workers: workers, logger: logger)
    }

    package var list: SpecimenList { cells.list }

    package func onListChange(_ observer: @escaping @Sendable (SpecimenList) -> Void) { cells.onChange(observer) }

    package func objects(
        of specimen: Specimen, token: CancellationToken
    ) -> Promise<SpecimenObjects, SourceError> {
        details.objects(of: specimen, token: token)
    }

    package func texts(of list: SpecimenList) -> SourceTexts { AllenTexts.texts(of: list) }

    package func refresh(acceptsLosses: Bool) -> Promise<SpecimenList, SourceError> {
        cells.refresh(acceptsLosses: acceptsLosses)
    }

    package var refused: RefusedList? { cells.refused }

    package func look() { cells.look() }
}
