import Logging
import Support
import Testing

@testable import SpecimenData

@Suite("Flights")
struct FlightTableTests {
    private final class Log: Sendable {
        private let entries = Monitor<[String]>([])
        func add(_ text: String) { entries.withLock { $0.append(text) } }
        var all: [String] { entries.withLock { $0 } }
    }

    private func name(_ outcome: Result<Int, SpecimenDataError>) -> String {
        switch outcome {
        case .success(let value): "\(value)"
        case .failure(.cancelled): "cancelled"
        case .failure(let error): "\(error)"
        }
    }

    @Test("callers that come while an effort runs share it, and each is answered once")
    func shared() {
        let table = FlightTable<String, Int>(logger: Logger(label: "test"))
        let log = Log()
        let finish = Monitor<(@Sendable (Result<Int, SpecimenDataError>) -> Void)?>(nil)
        for caller in 0..<3 {
            table.join("key", token: CancellationToken()) {
                log.add("\(caller):\(name($0))")
            } start: { _, land in
                log.add("start")
                finish.withLock { $0 = land }
            }
        }
        #expect(log.all == ["start"])
        finish.withLock { $0 }?(.success(7))
        #expect(log.all.sorted() == ["0:7", "1:7", "2:7", "start"])
        finish.withLock { $0 }?(.success(8))
        #expect(log.all.count == 4)
    }

    @Test("a caller that leaves is told at once; the last one ends the effort; a later caller starts anew")
    func leaving() {
        let table = FlightTable<String, Int>(logger: Logger(label: "test"))
        let log = Log()
        let tokens = [CancellationToken(), CancellationToken()]
        let efforts = Monitor<[CancellationToken]>([])
        for (caller, token) in tokens.enumerated() {
            table.join("key", token: token) {
                log.add("\(caller):\(name($0))")
            } start: { effort, _ in
                efforts.withLock { $0.append(effort) }
            }
        }
        tokens[0].cancel()
        #expect(log.all == ["0:cancelled"])
        #expect(efforts.withLock { $0 }.map(\.isCancelled) == [false])
        tokens[1].cancel()
        #expect(log.all == ["0:cancelled", "1:cancelled"])
        #expect(efforts.withLock { $0 }.map(\.isCancelled) == [true])
        table.join("key", token: CancellationToken()) {
            log.add("2:\(name($0))")
        } start: { effort, land in
            efforts.withLock { $0.append(effort) }
            land(.success(1))
        }
        #expect(log.all.last == "2:1")
        #expect(efforts.withLock { $0 }.count == 2)
    }
}
