package import Logging
package import Specimens
package import Support
internal import Transport

/// Gets blocks over HTTP: files by ranges, tiles and pictures from the image service.
package final class HTTPBlockSource: BlockSource {
    let network: Network
    let workers: WorkerPool
    let logger: Logger
    /// Seconds after which an unanswered metadata request is given up.
    let timeout: Double
    let downloads: SequentialDownloads
    private let addresses: ObjectAddresses
    private let requests = Counter()

    package let codec: any BlockCodec = JPEGCodec()

    /// A source.
    ///
    /// - Parameters:
    ///   - endpoint: base of the API, for example `https://api.brain-map.org`, without a slash at the end.
    ///   - timeout: seconds after which an unanswered metadata request is given up.
    package init(endpoint: String, network: Network, workers: WorkerPool, timeout: Double, logger: Logger) {
        addresses = ObjectAddresses(endpoint: endpoint)
        self.network = network
        self.workers = workers
        self.timeout = timeout
        self.logger = logger
        downloads = SequentialDownloads(network: network, workers: workers, requests: requests, logger: logger)
    }

    package func outage(for object: ObjectID) -> Outage? { network.outage(of: addresses.endpoint) }

    package var unreachable: [String] { network.unreachable }

    package var requestCount: Int { requests.value }

    package func attach(_ taker: any BlockTaker) { downloads.attach(taker) }

    package func opened(_ object: ObjectID, length: Int, version: String) {
        downloads.opened(SequentialDownloads.Key(object: object, length: length, version: version))
    }

    package func closed(_ object: ObjectID, length: Int, version: String) {
        downloads.closed(SequentialDownloads.Key(object: object, length: length, version: version))
    }

    package func address(of object: SourceObject) -> String { addresses.url(of: object) }

    package func address(of request: BlockRequest) -> String { addresses.url(of: request) }

    package func shutDown() {
        downloads.shutDown()
        network.close()
    }

    package func start(
        _ request: BlockRequest, completion: @escaping @Sendable (Result<SourceBlock, SourceError>) -> Void
    ) -> any BlockExchange {
        let http = httpRequest(request)
        guard case .extent(_, let length) = request.part else { return start(http, completion: completion) }
        let key = SequentialDownloads.Key(object: request.object.id, length: length, version: request.expected ?? "")
        let waiter = ExtentWaiter(request, url: http.url, completion: completion)
        if downloads.isWhole(key) {
            downloads.serve(waiter, key)
            return waiter
        }
        requests.add()
        let exchange = network.start(http) { [downloads] outcome in
            switch outcome {
            case .failure(.rangeIgnored(let total, _)):
                if let total, total != length {
                    let reason = "the server announces \(total) bytes, the catalogue \(length)"
                    waiter.finish(.failure(SourceError(.wrongLength, reason)))
                } else {
                    downloads.noteWhole(key)
                    downloads.serve(waiter, key)
                }
            case .failure(let error): waiter.finish(.failure(SourceError(error)))
            case .success(let response): waiter.finish(.success(SourceBlock(response)))
            }
        }
        waiter.follow(exchange)
        return waiter
    }

    private func start(
        _ request: HTTPRequest, completion: @escaping @Sendable (Result<SourceBlock, SourceError>) -> Void
    ) -> any BlockExchange {
        requests.add()
        let exchange = network.start(request) { outcome in
            completion(outcome.map { SourceBlock($0) }.mapError { SourceError($0) })
        }
        return PlainExchange(exchange: exchange)
    }

    private struct PlainExchange: BlockExchange {
        let exchange: any HTTPExchange
        func cancel() { exchange.cancel() }
        func promote() { exchange.promote() }
    }

    private func httpRequest(_ request: BlockRequest) -> HTTPRequest {
        var http = HTTPRequest(url: addresses.url(of: request))
        http.requestID = request.requestID
        http.deadline = request.deadline
        http.lane = request.lane
        http.object = request.blockName
        switch request.part {
        case .tile(let tile):
            http.expects = .jpeg
            // A JPEG of noise at quality 100 stays below 3 bytes a pixel; 64 KiB for tables and comments.
            http.maximumBody = tile.frame.width * tile.frame.height * 3 + 65_536
        case .picture(let length):
            // Whole: ranges inside a picture that is made on request may be of different bytes.
            http.expects = .jpeg
            http.maximumBody = max(length, 1)
            http.expectedLength = length
        case .extent(let index, let length):
            let range = ObjectExtents.bytes(of: index, length: length)
            http.expects = .bytes
            http.maximumBody = range.count
            http.range = range
            // A weak tag is not allowed in If-Range (RFC 9110, 13.1.5); the reply's is compared all the same.
            if let version = request.expected, !version.isEmpty, !version.hasPrefix("W/") { http.ifRange = version }
            http.expectedLength = range.count
            http.totalLength = length
            // Skeletons and marker files, on which sizes and labels depend, do not wait behind images.
            http.isMetadata = length <= ObjectExtents.size
        }
        return http
    }
}

extension SourceBlock {
    fileprivate init(_ response: HTTPResponse) {
        self.init(bytes: response.body, version: response.head.validator, seconds: response.seconds)
    }
}
