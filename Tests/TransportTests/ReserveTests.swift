import Support
import Testing

@testable import Transport

/// Metadata requests and contents leave each other room, within the limit on one host and on all hosts.
@Suite struct ReserveTests {
    /// A server that holds some requests back, with the requests that it received.
    private struct Stalled {
        let gate = Gate()
        let server: ScriptedServer
        let inbox = Inbox()
        let transport: Transport

        /// - Parameter held: the prefix of the targets that are never answered.
        init(held: String, _ change: @escaping (inout TransportConfiguration) -> Void = { _ in }) {
            let gate = self.gate
            server = ScriptedServer { $0.target.hasPrefix(held) ? [.gate(gate)] + reply("late") : reply("now") }
            transport = testTransport {
                $0.firstByteTimeout = 600
                change(&$0)
            }
        }

        func start(_ path: String, _ key: Int, isMetadata: Bool) {
            var request = HTTPRequest(url: server.url(path))
            request.isMetadata = isMetadata
            transport.start(request, completion: inbox.completion(key))
        }

        func count(_ prefix: String) -> Int { server.requests.filter { $0.target.hasPrefix(prefix) }.count }
    }

    @Test(arguments: [(8, 6), (6, 5), (4, 3)])
    func questionsPassImagesThatHoldTheirPlaces(limit: Int, images: Int) {
        let stalled = Stalled(held: "/image") { $0.maxConnectionsPerHost = limit }
        for key in 0..<64 { stalled.start("/image", key, isMetadata: false) }
        stalled.server.waitForRequests(images)
        // None of the images can end before the gate opens.
        for key in 100..<120 { stalled.start("/question", key, isMetadata: true) }
        #expect(stalled.inbox.wait(20).allSatisfy { $0.key >= 100 && $0.value.body == Array("now".utf8) })
        #expect(stalled.count("/image") == images)
        #expect(stalled.server.connections <= limit)
        stalled.gate.open()
        #expect(stalled.inbox.wait(84).values.allSatisfy { $0.response != nil })
        #expect(stalled.server.connections <= limit)
    }

    @Test func imagesPassQuestionsThatHoldTheirPlaces() {
        let stalled = Stalled(held: "/question")
        for key in 0..<64 { stalled.start("/question", key, isMetadata: true) }
        stalled.server.waitForRequests(6)
        for key in 100..<120 { stalled.start("/image", key, isMetadata: false) }
        #expect(stalled.inbox.wait(20).keys.allSatisfy { $0 >= 100 })
        #expect(stalled.count("/question") == 6)
        stalled.gate.open()
        #expect(stalled.inbox.wait(84).values.allSatisfy { $0.response != nil })
        #expect(stalled.server.connections <= 8)
    }

    @Test func prefetchLeavesRoomForBoth() {
        let stalled = Stalled(held: "/prefetch") { $0.prefetchShare = 1 }
        for key in 0..<64 {
            var request = HTTPRequest(url: stalled.server.url("/prefetch"))
            request.lane = .prefetch
            stalled.transport.start(request, completion: stalled.inbox.completion(key))
        }
        stalled.server.waitForRequests(5)
        stalled.start("/image", 100, isMetadata: false)
        stalled.start("/question", 101, isMetadata: true)
        #expect(Set(stalled.inbox.wait(2).keys) == [100, 101])
        #expect(stalled.count("/prefetch") == 5)
        stalled.gate.open()
        #expect(stalled.inbox.wait(66).values.allSatisfy { $0.response != nil })
    }

    /// A host that stalls does not fill the window over all hosts with contents either.
    @Test func theWindowHasItsReserve() {
        let stalled = Stalled(held: "/image") {
            $0.maxConnectionsPerHost = 64
            $0.maxConcurrentRequests = 8
        }
        for key in 0..<20 { stalled.start("/image", key, isMetadata: false) }
        stalled.server.waitForRequests(6)
        stalled.start("/question", 100, isMetadata: true)
        #expect(stalled.inbox.wait(1)[100]?.body == Array("now".utf8))
        #expect(stalled.count("/image") == 6)
        stalled.gate.open()
        #expect(stalled.inbox.wait(21).values.allSatisfy { $0.response != nil })
    }

    /// With fewer than four places none is reserved: requests are served in their order, and all of them are served.
    @Test(arguments: 1...3)
    func aSmallLimitIsUsedWhole(limit: Int) {
        let stalled = Stalled(held: "/image") { $0.maxConnectionsPerHost = limit }
        for key in 0..<10 { stalled.start("/image", key, isMetadata: false) }
        stalled.server.waitForRequests(limit)
        stalled.start("/question", 100, isMetadata: true)
        #expect(stalled.inbox.count == 0)
        stalled.gate.open()
        #expect(stalled.inbox.wait(11).values.allSatisfy { $0.response != nil })
        #expect(stalled.server.connections == limit)
    }
}
