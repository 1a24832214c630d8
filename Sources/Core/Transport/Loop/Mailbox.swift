import CCurl
import Glibc
import Support

/// The requests of other threads to the transport thread.
enum Command: Sendable {
    case start(id: UInt64, HTTPRequest, begun: Instant, Completion)
    case cancel(id: UInt64)
    case promote(id: UInt64)
}

/// The only way from other threads into the loop: a queue, and `curl_multi_wakeup`.
@safe final class Mailbox: Sendable {
    @safe private struct State {
        var commands: [Command] = []
        var isStopping = false
        var lastID: UInt64 = 0
        var owner: pthread_t?
        /// `nil` once the loop has closed it. Until then any thread may wake the loop through it.
        var multi: UnsafeMutableRawPointer?
    }

    private let state: Monitor<State>

    init(multi: UnsafeMutableRawPointer) { unsafe state = Monitor(State(multi: multi)) }

    /// Queues a request. Returns its id, or `nil` once the loop is stopping.
    func start(_ request: HTTPRequest, _ completion: @escaping Completion) -> UInt64? {
        state.withLock { state in
            guard !state.isStopping else { return nil }
            state.lastID += 1
            Self.add(.start(id: state.lastID, request, begun: .now, completion), to: &state)
            return state.lastID
        }
    }

    /// Queues a command. It has no effect once the loop is stopping.
    func post(_ command: Command) {
        state.withLock { state in
            if !state.isStopping { Self.add(command, to: &state) }
        }
    }

    /// Makes the loop end. Returns whether the caller runs on the loop's own thread.
    func stop() -> Bool {
        state.withLock { state in
            state.isStopping = true
            if let multi = unsafe state.multi { _ = unsafe curl_multi_wakeup(multi) }
            return state.owner.map { pthread_equal($0, pthread_self()) != 0 } ?? false
        }
    }

    private static func add(_ command: Command, to state: inout State) {
        state.commands.append(command)
        if state.commands.count == 1, let multi = unsafe state.multi { _ = unsafe curl_multi_wakeup(multi) }
    }

    // MARK: For the loop

    /// Makes the calling thread the thread of the loop.
    func adopt() { state.withLock { $0.owner = pthread_self() } }

    /// Takes the queued commands.
    func take() -> (commands: [Command], isStopping: Bool) {
        state.withLock { state in
            let commands = state.commands
            state.commands = []
            return (commands, state.isStopping)
        }
    }

    /// Ends waking, because the loop is about to free the multi handle.
    func close() {
        state.withLock { state in
            unsafe state.multi = nil
            state.owner = nil
        }
    }
}
