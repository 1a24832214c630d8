import Specimens
import Support

/// A source of blocks under the test's control: it keeps every request until the test, or a handler, answers it.
package final class ScriptedSource: BlockSource {
    /// One request.
    package final class Call: BlockExchange {
        /// What was asked for.
        package let request: BlockRequest
        private let completion: Monitor<(@Sendable (Result<SourceBlock, SourceError>) -> Void)?>
        /// How often it was given up.
        package let cancelled = Counter()
        /// How often it was moved to the demand lane.
        package let promoted = Counter()

        init(_ request: BlockRequest, _ completion: @escaping @Sendable (Result<SourceBlock, SourceError>) -> Void) {
            self.request = request
            self.completion = Monitor(completion)
        }

        /// Completes the call; false when it was completed before.
        @discardableResult
        package func complete(_ result: Result<SourceBlock, SourceError>) -> Bool {
            let completion = self.completion.withLock { completion in
                defer { completion = nil }
                return completion
            }
            completion?(result)
            return completion != nil
        }

        /// Completes the call with a block.
        @discardableResult
        package func reply(_ bytes: [UInt8], version: String = "1") -> Bool {
            complete(.success(SourceBlock(bytes: bytes, version: version, seconds: 0.1)))
        }

        /// Completes the call with an error.
        @discardableResult
        package func fail(_ kind: SourceError.Kind) -> Bool { complete(.failure(SourceError(kind, "a test"))) }

        /// Counts, and ends the call.
        package func cancel() {
            cancelled.add()
            fail(.cancelled)
        }

        /// Counts.
        package func promote() { promoted.add() }
    }

    /// Takes bytes for pixels, and has the test say which are wrong.
    private struct Codec: BlockCodec {
        let fault: Monitor<(@Sendable ([UInt8], BlockPart) -> String?)?>

        func decode(_ bytes: [UInt8], _ part: BlockPart, of object: SourceObject) throws(BlockFault) -> [UInt8]? {
            if let reason = fault.withLock({ $0 })?(bytes, part) { throw BlockFault(reason) }
            if case .tile = part { return bytes }
            return nil
        }
    }

    private let calls = Monitor<[Call]>([])
    private let handler: (@Sendable (Call) -> Void)?
    private let statistician: @Sendable (SourceObject) -> Promise<ObjectRecord, SourceError>
    private let fault = Monitor<(@Sendable ([UInt8], BlockPart) -> String?)?>(nil)
    private let asked = Counter()
    private let handles = Monitor<[ObjectID: Int]>([:])
    /// Whether the source says that its objects lie on this machine.
    package let isLocal = Monitor(false)
    /// Why the source is not to be asked.
    package let outage = Monitor<Outage?>(nil)

    /// - Parameters:
    ///   - handler: sees each request as it is started; without one the test answers.
    ///   - stat: answers questions for a length and a version; without one they fail.
    package init(
        _ handler: (@Sendable (Call) -> Void)? = nil,
        stat: @escaping @Sendable (SourceObject) -> Promise<ObjectRecord, SourceError> = { _ in
            Promise(.failure(SourceError(.failed, "a test")))
        }
    ) {
        self.handler = handler
        statistician = stat
    }

    /// Has `check` look at all blocks from now on; it says what is wrong with them.
    package func check(_ check: @escaping @Sendable ([UInt8], BlockPart) -> String?) {
        fault.withLock { $0 = check }
    }

    package var codec: any BlockCodec { Codec(fault: fault) }
    package var unreachable: [String] { [] }
    package var requestCount: Int { count }
    /// Questions for a length and a version so far.
    package var statCount: Int { asked.value }

    package func isLocal(_ object: ObjectID) -> Bool { isLocal.withLock { $0 } }

    package func outage(for object: ObjectID) -> Outage? { outage.withLock { $0 } }

    package func start(
        _ request: BlockRequest, completion: @escaping @Sendable (Result<SourceBlock, SourceError>) -> Void
    ) -> any BlockExchange {
        let call = Call(request, completion)
        calls.update { $0.append(call) }
        handler?(call)
        return call
    }

    package func stat(
        _ object: SourceObject, counts: Bool, token: CancellationToken
    ) -> Promise<ObjectRecord, SourceError> {
        asked.add()
        return statistician(object)
    }

    package func attach(_ taker: any BlockTaker) {}
    package func opened(_ object: ObjectID, length: Int, version: String) {
        handles.withLock { $0[object, default: 0] += 1 }
    }
    package func closed(_ object: ObjectID, length: Int, version: String) {
        handles.withLock { $0[object, default: 0] -= 1 }
    }
    package func shutDown() {}
    package func address(of object: SourceObject) -> String { "scripted:\(object.id)" }
    package func address(of request: BlockRequest) -> String { "scripted:\(request.blockName)/\(request.part.index)" }

    /// Handles of a file that are open now.
    package func openHandles(of object: ObjectID) -> Int { handles.withLock { $0[object] ?? 0 } }

    /// What a test that waits in vain ends with.
    package struct Missing: Error {
        /// The number of the request that did not come.
        package let request: Int
    }

    /// Requests so far.
    package var count: Int { calls.withLock { $0.count } }

    /// Waits for request number `index`, from 0; the limit only ends a test that hangs.
    package func call(_ index: Int) throws -> Call {
        let limit = Instant.now.advanced(bySeconds: 60)
        guard let call = calls.wait(until: limit, { $0.count > index ? $0[index] : nil }) else {
            throw Missing(request: index)
        }
        return call
    }
}
