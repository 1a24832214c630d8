import Glibc
import Logging
internal import Specimens
import Support
import Volumes

/// Refreshes the catalogue daily, and when `neuronfs sync` asks for it. Remembers the outcome of each request.
final class CatalogueRefresher: Sendable {
    /// The outcome of the requested refreshes.
    struct Outcome: Sendable {
        /// Number of requests that have ended.
        var finished = 0
        /// Why the last one failed; nil when it succeeded.
        var error: String?
    }

    private struct State {
        var outcome = Outcome()
        var isEnding = false
        var thread: NamedThread?
    }

    private let source: any SpecimenSource
    private let logger: Logger
    private let state = Monitor(State())

    init(source: any SpecimenSource, logger: Logger) {
        self.source = source
        self.logger = logger
    }

    var outcome: Outcome { state.withLock { $0.outcome } }

    /// Seconds between checks of the clock and the disk; a folder is to be looked at every 5. The wall clock measures a day,
    /// because it runs on while a laptop sleeps, and may be set. A timer of a day does neither.
    private static let lookInterval = 2.5

    /// Starts to wait for requests and to check the clock. The signal is blocked in every thread (`SyncRequest.block`).
    func start() throws(ThreadError) {
        let thread = try NamedThread("refresh") { [self] in
            while !state.withLock({ $0.isEnding }) {
                source.look()
                guard let request = SyncRequest.next(within: Self.lookInterval) else { continue }
                guard !state.withLock({ $0.isEnding }) else { return }
                refresh(acceptsLosses: request == .acceptingLosses)
            }
        }
        state.withLock { $0.thread = thread }
    }

    /// Ends the thread.
    func end() {
        let thread = state.withLock { state in
            state.isEnding = true
            return state.thread
        }
        kill(getpid(), SIGUSR1)
        thread?.join()
    }

    private func refresh(acceptsLosses: Bool) {
        source.refresh(acceptsLosses: acceptsLosses).whenDone { [self] result in
            switch result {
            case .success(let list):
                logger.notice("the catalogue was refreshed", metadata: ["cells": "\(list.specimens.count)"])
                state.withLock { $0.outcome = Outcome(finished: $0.outcome.finished + 1) }
            case .failure(let error):
                finish(error.kind == .cancelled ? "a refresh is under way already" : OutsideText.line("\(error)"))
            }
        }
    }

    private func finish(_ error: String) {
        state.withLock { $0.outcome = Outcome(finished: $0.outcome.finished + 1, error: error) }
    }
}
