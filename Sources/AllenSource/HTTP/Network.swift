package import Logging
package import Specimens
internal import Support
internal import Transport

/// The way to the source's hosts: offline mode, and hosts that are out of reach.
package final class Network: Sendable {
    /// Makes the requests.
    package let client: any HTTPClient
    /// Whether offline mode is on: then nothing is requested.
    package let isOffline: Bool
    private let circuit: HostCircuit

    /// A network.
    package convenience init(client: any HTTPClient, isOffline: Bool, logger: Logger) {
        self.init(client: client, isOffline: isOffline, circuit: HostCircuit.Settings(), logger: logger)
    }

    init(client: any HTTPClient, isOffline: Bool, circuit: HostCircuit.Settings, logger: Logger) {
        self.client = client
        self.isOffline = isOffline
        self.circuit = HostCircuit(client: client, settings: circuit, logger: logger)
    }

    /// Why a request to `url` should not be made now; nil when it may.
    package func outage(of url: String) -> Outage? { isOffline ? .switchedOff : circuit.outage(of: url) }

    /// Hosts out of reach now.
    package var unreachable: [String] { circuit.unreachable }

    /// Starts a request and learns from its outcome whether the host is there.
    func start(
        _ request: HTTPRequest, completion: @escaping @Sendable (Result<HTTPResponse, TransportError>) -> Void
    ) -> any HTTPExchange {
        client.start(request) { [circuit] outcome in
            circuit.note(outcome, of: request)
            completion(outcome)
        }
    }

    /// Ends the search for hosts that are out of reach.
    package func close() { circuit.close() }
}
