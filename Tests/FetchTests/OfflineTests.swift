import Support
import TestTools
import Testing

@testable import Fetch
@testable import Transport

@Suite struct OfflineTests {
    @Test func offlineModeServesTheCacheAndRefusesTheRest() throws {
        let bench = try Bench(ScriptedSource { $0.reply([1]) })
        defer { bench.close() }
        #expect(try bench.fetch(plan(0)).wait()[0].bytes == [1])
        bench.fetcher.setOffline(true)
        #expect(bench.fetcher.isOffline)
        #expect(eventually { bench.fetcher.statistics.flightsNow == 0 })
        #expect(try bench.fetch(plan(0)).wait()[0].block?.fromCache == true)
        #expect(try bench.fetch(plan(1)).wait()[0].failure == "offline")
        #expect(try bench.fetch(plan(0, validator: nil)).wait()[0].failure == "offline")
        #expect(bench.source.count == 1)
        #expect(bench.fetcher.statistics.offlineRefusals == 2)
        bench.fetcher.setOffline(false)
        #expect(try bench.fetch(plan(1)).wait()[0].bytes == [1])
    }

    @Test func aHostThatIsGoneFailsFastAndComesBackByItself() throws {
        let isUp = Monitor(false)
        let source = ScriptedSource { call in
            if call.request.url.hasPrefix("https://other") || isUp.withLock({ $0 }) {
                call.reply([1])
            } else {
                call.fail { .connectFailed($0) }
            }
        }
        let settings = NetworkCircuit.Settings(threshold: 3, firstPause: 0.002, longestPause: 0.01, probeTimeout: 5)
        let bench = try Bench(source, circuit: settings)
        defer { bench.close() }
        #expect(try bench.fetch(plan(50, host: "other.org")).wait()[0].bytes == [1])
        for index in 0..<3 {
            #expect(try bench.fetch(plan(index)).wait()[0].failure == "transport connectFailed")
        }
        // From now on refused at once; the requests made are the probe's alone.
        #expect(bench.fetcher.statistics.unreachableHosts == ["example.org"])
        let before = bench.fetcher.statistics.requests
        for index in 10..<30 {
            #expect(try bench.fetch(plan(index)).wait()[0].failure == "unreachable example.org")
        }
        #expect(bench.fetcher.statistics.requests == before)
        #expect(try bench.fetch(plan(51, host: "other.org")).wait()[0].bytes == [1])
        // Several probes fail, then one is answered: nobody has asked for anything meanwhile.
        #expect(eventually { source.count > before + 5 })
        isUp.withLock { $0 = true }
        #expect(eventually { bench.fetcher.statistics.unreachableHosts.isEmpty })
        #expect(try bench.fetch(plan(10)).wait()[0].bytes == [1])
    }

    /// What failed may be slow to begin, or a whole file that nobody takes: neither says whether the host is there.
    @Test func aProbeAsksForNextToNothingAndAnyReplyEndsIt() throws {
        let settings = NetworkCircuit.Settings(threshold: 1, firstPause: 0.002, longestPause: 0.01, probeTimeout: 5)
        let bench = try Bench(circuit: settings)
        defer { bench.close() }
        let file = ExtentFile(
            id: "9/file/1", url: "https://H:8443/f?x=/", length: 100_000_000, validator: "\"v\"", fetcher: bench.fetcher
        )
        let outcome = Outcomes()
        file.fetch(
            extent: 3, lane: .demand, token: CancellationToken(), deadline: Instant.now.advanced(bySeconds: 1),
            completion: outcome.completion)
        let began = Instant.now
        try bench.source.call(0).fail { .noReply($0) }
        #expect(try outcome.wait()[0].failure == "transport noReply")
        let probe = try bench.source.call(1)
        #expect(probe.request.url == "https://h:8443/" && probe.request.method == .head)
        #expect(probe.request.range == nil && probe.request.ifRange == nil && probe.request.sink == nil)
        #expect(probe.request.expectedLength == nil && probe.request.totalLength == nil)
        #expect(probe.request.maximumBody <= 64 << 10 && probe.request.expects == .any)
        // A reply that takes as long as any other may.
        let limit = try #require(probe.request.deadline)
        #expect(limit >= began.advanced(bySeconds: bench.source.replyTimeout))
        #expect(bench.fetcher.statistics.unreachableHosts == ["h:8443"])
        probe.fail { .status(404, $0) }
        #expect(eventually { bench.fetcher.statistics.unreachableHosts.isEmpty })
    }

    @Test func onlyFailuresToReachTheHostCount() throws {
        func verdict(
            _ results: [(TransportError.Context) -> TransportError], attempts: Int = 1, hasReplied: Bool = false
        ) throws -> Bool {
            let settings = NetworkCircuit.Settings(threshold: 3, firstPause: 100, longestPause: 100, probeTimeout: 5)
            let bench = try Bench(cached: false, circuit: settings)
            defer { bench.close() }
            for (index, make) in results.enumerated() {
                let outcome = bench.fetch(plan(index))
                try bench.source.call(index).fail(make, attempts: attempts, hasReplied: hasReplied)
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
        #expect(NetworkCircuit.host(of: url) == host)
        let scheme = url.prefix { $0 != ":" }
        #expect(NetworkCircuit.root(of: url) == (url == host ? url : "\(scheme)://\(host)/"))
    }
}
