import Specimens
import Support
import TestTools
import Testing

@testable import AllenSource
@testable import Transport

/// Offline mode, and hosts that are out of reach.
@Suite struct OutageTests {
    private func request(_ index: Int) -> BlockRequest { TestFile(length: 60 << 20).request(index) }

    @Test func offlineModeServesTheStoreAndRefusesTheRest() throws {
        let bench = try HTTPBench(isOffline: true)
        defer { bench.close() }
        bench.fetcher.take(
            SourceBlock(bytes: fileBytes(0..<1 << 20), version: "\"v\"", seconds: 1), request(0))
        #expect(try bench.fetch(request(0)).wait()[0].block?.isFromStore == true)
        #expect(try bench.fetch(request(1)).wait()[0].failure == "offline")
        #expect(bench.http.count == 0)
        #expect(bench.fetcher.statistics.offlineRefusals == 1)
        let stat = bench.source.stat(request(0).object, counts: false, token: CancellationToken()).wait()
        guard case .failure(let error) = stat else {
            Issue.record("a length without a network")
            return
        }
        #expect(error.kind == .outage(.switchedOff))
    }

    @Test func aHostThatIsGoneFailsFastAndComesBackByItself() throws {
        let isUp = Monitor(false)
        let http = ScriptedHTTP { call in
            if isUp.withLock({ $0 }) {
                call.reply(fileBytes(call.request.range ?? 0..<0), ["etag": "\"v\""], status: 206)
            } else {
                call.fail { .connectFailed($0) }
            }
        }
        let settings = HostCircuit.Settings(threshold: 3, firstPause: 0.002, longestPause: 0.01, probeTimeout: 5)
        let bench = try HTTPBench(http, circuit: settings)
        defer { bench.close() }
        for index in 0..<3 {
            #expect(try bench.fetch(request(index)).wait()[0].failure == "transport connectFailed")
        }
        // From now on refused at once; the requests made are the probe's alone.
        #expect(bench.fetcher.statistics.unreachableHosts == ["example.org"])
        let before = bench.fetcher.statistics.requests
        for index in 10..<30 {
            #expect(try bench.fetch(request(index)).wait()[0].failure == "unreachable example.org")
        }
        #expect(bench.fetcher.statistics.requests == before)
        #expect(bench.network.outage(of: "https://other.org/x") == nil)
        // Several probes fail, then one is answered: no reader has asked meanwhile.
        #expect(eventually { http.count > before + 5 })
        isUp.withLock { $0 = true }
        #expect(eventually { bench.fetcher.statistics.unreachableHosts.isEmpty })
        #expect(try bench.fetch(request(10)).wait()[0].bytes == fileBytes(10 << 20..<11 << 20))
    }

    /// What failed may be slow to begin, or a whole file that nobody takes: neither says whether the host is there.
    @Test func aProbeAsksForNextToNothingAndAnyReplyEndsIt() throws {
        let settings = HostCircuit.Settings(threshold: 1, firstPause: 0.002, longestPause: 0.01, probeTimeout: 5)
        let bench = try HTTPBench(circuit: settings)
        defer { bench.close() }
        var request = HTTPRequest(url: "https://H:8443/f?x=/", maximumBody: 1 << 20)
        request.range = 3..<4
        request.deadline = Instant.now.advanced(bySeconds: 1)
        let failed = Counter()
        let began = Instant.now
        _ = bench.network.start(request) { _ in failed.add() }
        try bench.http.call(0).fail { .noReply($0) }
        #expect(failed.value == 1)
        let probe = try bench.http.call(1)
        #expect(probe.request.url == "https://h:8443/" && probe.request.method == .head)
        #expect(probe.request.range == nil && probe.request.ifRange == nil && probe.request.sink == nil)
        #expect(probe.request.expectedLength == nil && probe.request.totalLength == nil)
        #expect(probe.request.maximumBody <= 64 << 10 && probe.request.expects == .any)
        // A reply that takes as long as any other may.
        let limit = try #require(probe.request.deadline)
        #expect(limit >= began.advanced(bySeconds: bench.http.replyTimeout))
        #expect(bench.network.unreachable == ["h:8443"])
        probe.fail { .status(404, $0) }
        #expect(eventually { bench.fetcher.statistics.unreachableHosts.isEmpty })
    }

    @Test func onlyFailuresToReachTheHostCount() throws {
        func verdict(
            _ results: [(TransportError.Context) -> TransportError], attempts: Int = 1, hasReplied: Bool = false
        ) throws -> Bool {
            let settings = HostCircuit.Settings(threshold: 3, firstPause: 100, longestPause: 100, probeTimeout: 5)
            let bench = try HTTPBench(cached: false, circuit: settings)
            defer { bench.close() }
            for (index, make) in results.enumerated() {
                let outcome = bench.fetch(request(index))
                try bench.http.call(index).fail(make, attempts: attempts, hasReplied: hasReplied)
                #expect(try outcome.wait()[0].failure != nil)
            }
            return !bench.fetcher.statistics.unreachableHosts.isEmpty
        }
        let gone: [(TransportError.Context) -> TransportError] = [
            { .unresolvedHost($0) }, { .connectFailed($0) }, { .noReply($0) }, { .deadlineExceeded($0) },
        ]
        #expect(try verdict(Array(gone[0..<3])))
        #expect(try verdict(Array(gone[1..<4])))
        #expect(try !verdict(Array(gone[0..<2])))
        #expect(try !verdict([gone[0], gone[1], { .status(500, $0) }, gone[2], gone[1]]))
        #expect(try verdict([gone[0], gone[1], { .stalled($0) }, gone[2]]))
        // Our own queue was full: that says nothing about the host.
        #expect(try !verdict([gone[3], gone[3], gone[3], gone[3]], attempts: 0))
        // A busy origin asks to come back after the reader's deadline.
        #expect(try !verdict([gone[3], gone[3], gone[3], gone[3]], hasReplied: true))
        for neutral: (TransportError.Context) -> TransportError in [
            { .reset($0) }, { .truncated($0) }, { .badShape($0) }, { .tls($0) }, { .status(503, $0) },
        ] {
            #expect(try !verdict([neutral, neutral, neutral, neutral]))
        }
    }

    @Test(arguments: [
        ("https://Example.org/a/b", "example.org"), ("http://h:8080?x=1", "h:8080"), ("http://h", "h"), ("odd", "odd"),
    ])
    func hostOfURL(url: String, host: String) {
        #expect(HostCircuit.host(of: url) == host)
        let scheme = url.prefix { $0 != ":" }
        #expect(HostCircuit.root(of: url) == (url == host ? url : "\(scheme)://\(host)/"))
    }
}
