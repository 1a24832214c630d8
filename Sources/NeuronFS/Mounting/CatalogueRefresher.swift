internal import Catalogue
import Glibc
import Logging
import SpecimenData
import Support

/// Refreshes the catalogue when `neuronfs sync` asks for it with SIGUSR1, and remembers how that went.
final class CatalogueRefresher: Sendable {
    /// How the refreshes that were asked for went.
    struct Outcome: Sendable {
        /// How many have ended.
        var finished = 0
        /// Why the last one failed; nil when it succeeded.
        var error: String?
    }

    private struct State {
        var outcome = Outcome()
        var isEnding = false
        var thread: NamedThread?
    }

    private let catalogue: CatalogueService
    private let logger: Logger
    private let state = Monitor(State())

    init(catalogue: CatalogueService, logger: Logger) {
        self.catalogue = catalogue
        self.logger = logger
    }

    var outcome: Outcome { state.withLock { $0.outcome } }

    /// Listens from now on. The signal is blocked in every thread (`Signals.blockRefresh`).
    func start() throws(ThreadError) {
        let thread = try NamedThread("refresh") { [self] in
            while true {
                Signals.waitForRefresh()
                guard !state.withLock({ $0.isEnding }) else { return }
                refresh()
            }
        }
        state.withLock { $0.thread = thread }
    }

    /// Listens no more.
    func end() {
        let thread = state.withLock { state in
            state.isEnding = true
            return state.thread
        }
        kill(getpid(), SIGUSR1)
        thread?.join()
    }

    private func refresh() {
        catalogue.refresh { [self] result in
            switch result {
            case .success(let snapshot):
                logger.notice("the catalogue was refreshed", metadata: ["cells": "\(snapshot.specimens.count)"])
                state.withLock { $0.outcome = Outcome(finished: $0.outcome.finished + 1) }
            case .failure(.cancelled):
                finish("a refresh is under way already")
            case .failure(let error):
                finish(OutsideText.line("\(error)"))
            }
        }
    }

    private func finish(_ error: String) {
        state.withLock { $0.outcome = Outcome(finished: $0.outcome.finished + 1, error: error) }
    }
}
