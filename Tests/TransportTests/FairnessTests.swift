import Support
import Testing

@testable import Transport

/// Requests that are never answered delay no other request to their host.
@Suite struct FairnessTests {
    private struct Stalled {
        let gate = Gate()
        let server: ScriptedServer
        let inbox = Inbox()
        let transport: Transport

        init() {
            let gate = self.gate
            server = ScriptedServer { $0.target.hasPrefix("/stalled") ? [.gate(gate)] + reply("late") : reply("now") }
            transport = testTransport { $0.firstByteTimeout = 600 }
        }

        func start(_ path: String, _ key: Int, object: String, _ lane: Lane = .demand) {
            var request = HTTPRequest(url: server.url(path))
            request.object = object
            request.lane = lane
            transport.start(request, completion: inbox.completion(key))
        }

        func count(_ prefix: String) -> Int { server.requests.filter { $0.target.hasPrefix(prefix) }.count }
    }

    /// No stalled request can end before the gate opens. So the good requests pass them, or the test does not end.
    @Test(arguments: [
        // Thirty images of one cell or of many cells, or thirty tiles of one image. The good request is for another
        // cell.
        (1, 30, "800/image/1"), (30, 1, "800/image/1"), (1, 1, "800/image/1"),
        // The good request is for another image of the same cell.
        (1, 30, "0/image/99"), (1, 1, "0/image/99"),
    ])
    func aGoodImagePassesThirtyThatNeverAnswer(_ cells: Int, _ images: Int, _ good: String) {
        let stalled = Stalled()
        for key in 0..<30 { stalled.start("/stalled", key, object: "\(key % cells)/image/\(key % images)") }
        stalled.server.waitForRequests(6)
        for key in 100..<108 { stalled.start("/good", key, object: good) }
        #expect(stalled.inbox.wait(8).allSatisfy { $0.key >= 100 && $0.value.body == Array("now".utf8) })
        stalled.gate.open()
        #expect(stalled.inbox.wait(38).values.allSatisfy { $0.response != nil })
    }

    /// A specimen that had to give places back does not get them again while it stalls.
    @Test func theHalfStaysFree() {
        let stalled = Stalled()
        for key in 0..<30 { stalled.start("/stalled", key, object: "7/image/1") }
        stalled.server.waitForRequests(6)
        stalled.start("/good", 100, object: "8/image/1")
        _ = stalled.inbox.wait(1)
        let asked = stalled.count("/stalled")
        #expect(asked == 6)
        // The next requests find a free place, so no further place is taken back.
        for key in 101..<150 {
            stalled.start("/good", key, object: "8/image/1")
            _ = stalled.inbox.wait(key - 99)
        }
        #expect(stalled.count("/stalled") == asked)
        stalled.gate.open()
        _ = stalled.inbox.wait(80)
    }

    @Test func aSpecimenAloneHasAllPlaces() {
        let stalled = Stalled()
        for key in 0..<30 { stalled.start("/stalled", key, object: "7/image/\(key % 2)") }
        stalled.server.waitForRequests(6)
        #expect(stalled.transport.statistics.inFlight == 6)
        stalled.gate.open()
        #expect(stalled.inbox.wait(30).values.allSatisfy { $0.response?.attempts == 1 })
        // No request was sent twice.
        #expect(stalled.server.requests.count == 30)
    }

    @Test func theOneWithFewestPlacesIsNext() throws {
        var admission = Admission(testConfiguration())
        func job(_ id: UInt64, _ object: String) throws -> Job {
            var request = HTTPRequest(url: "http://a.org/\(id)")
            request.object = object
            return Job(id: id, request: request, origin: try #require(URLParts(request.url)), begun: .now) { _ in }
        }
        for id in UInt64(1)...10 { admission.enqueue(try job(id, "7/image/1")) }
        for id in UInt64(11)...12 { admission.enqueue(try job(id, "7/image/2")) }
        for id in UInt64(13)...20 { admission.enqueue(try job(id, "8/image/1")) }
        var order: [UInt64] = []
        while let next = admission.next() {
            next.state = .active
            order.append(next.id)
        }
        // By specimen first, then by object, then by turn.
        #expect(order == [1, 13, 11, 14, 2, 15])
    }
}
