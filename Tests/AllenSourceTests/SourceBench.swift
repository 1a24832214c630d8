import Foundation
import Logging
import Specimens
import Support
import TestTools
import Testing
import Transport

@testable import AllenSource

/// A database over a scripted network, with a catalogue of its own. The network answers queries with the rows that the bench
/// holds, by model.
final class SourceBench: Sendable {
    /// A model of the API.
    enum Model: String, CaseIterable {
        case cells = "ApiCellTypesSpecimenDetail"
        case planes = "SubImage"
        case projections = "ProjectionImage"
        case reconstructions = "NeuronReconstruction"
    }

    let http: ScriptedHTTP
    let store: CatalogueStore
    let log = LogBook()
    private let folder: TemporaryFolder
    private let workers: WorkerPool
    private let network: Network
    private let rows: Monitor<[Model: [JSONObject]]>
    /// Rows that a page of a reply has at most.
    private let pageSize: Int

    /// - Parameter answers: whether the network answers by itself; else the test does.
    init(
        _ rows: [Model: [JSONObject]] = [:], folder: TemporaryFolder? = nil, pageSize: Int = .max,
        isOffline: Bool = false, answers: Bool = true
    ) throws {
        let rows = Monitor(rows)
        self.rows = rows
        self.pageSize = pageSize
        self.folder = try folder ?? TemporaryFolder()
        store = try CatalogueStore(path: self.folder.database, logger: log.logger)
        workers = try WorkerPool(name: "worker", count: 2)
        http = ScriptedHTTP { call in
            guard answers else { return }
            call.reply(Self.reply(to: call.request.url, rows.withLock { $0 }, pageSize: pageSize))
        }
        network = Network(client: http, isOffline: isOffline, logger: log.logger)
    }

    /// The source, once it has a list.
    func source() throws -> AllenSource {
        try AllenSource(
            identity: "test", endpoint: "https://example.org", store: store, network: network, workers: workers,
            timeout: 60, logger: log.logger)
    }

    /// Changes what the API has.
    func change(_ model: Model, _ rows: [JSONObject]) { self.rows.withLock { $0[model] = rows } }

    /// The models that were asked for, in order.
    var asked: [Model] { (0..<http.count).compactMap { try? Self.model(of: http.call($0).request.url) } }

    func close() {
        network.close()
        workers.shutdown()
        http.forget()
        #expect(throws: Never.self) { try self.store.close() }
    }

    static func model(of url: String) -> Model? {
        Model.allCases.first { url.contains("model::\($0.rawValue),") }
    }

    /// The page of rows that the API gives for a query.
    static func reply(to url: String, _ rows: [Model: [JSONObject]], pageSize: Int = .max) -> [UInt8] {
        let all = model(of: url).flatMap { rows[$0] } ?? []
        let start = url.firstRange(of: "start_row%24eq").flatMap { range in
            Int(url[range.upperBound...].prefix(while: \.isNumber))
        }
        return envelope(Array(all.dropFirst(start ?? 0).prefix(pageSize)), from: start ?? 0, of: all.count)
    }

    static func envelope(_ rows: [JSONObject], from start: Int, of total: Int) -> [UInt8] {
        let object: JSONObject = [
            "success": .bool(true), "id": .int(0), "start_row": .int(start), "num_rows": .int(rows.count),
            "total_rows": .int(total), "msg": .array(rows.map { .object($0) }),
        ]
        return JSONValue.object(object).bytes()
    }
}

extension Promise where Failure == SourceError {
    /// What the promise failed with; waits for its result.
    func failure() -> SourceError? { if case .failure(let error) = wait() { error } else { nil } }
}
