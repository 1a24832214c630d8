internal import CFuse
internal import FileTree
internal import Glibc
internal import Support
internal import Synchronization

/// What the kernel asks for, as the log calls it.
enum Operation: String, Sendable {
    case lookup, getattr, readlink, open, read, ioctl, opendir, readdir, statfs, getxattr, listxattr
}

/// What a request is about: equal for all requests that ask the same of the same file.
struct RequestSubject: Hashable, Sendable {
    var operation: Operation
    /// The file, or the directory that is looked in.
    var inode: InodeNumber
    /// The name that is looked up in it.
    var name: String?
}

/// One kernel request that is answered exactly once, now or later, from any thread.
///
/// While it waits ("parked") it has a deadline and ends at once when its process is interrupted. Letting go of it
/// unanswered replies `EIO` instead of leaving a process in state D.
@safe final class PendingRequest: @unchecked Sendable {
    // Sendable: `raw` may be answered from any thread (libfuse), and `phase` admits one answer.
    private let raw: fuse_req_t
    private let phase = Atomic<UInt8>(Phase.inline)
    private let wasInterrupted = Atomic<Bool>(false)
    private let registry: RequestRegistry
    /// The thread that waits.
    private let thread: Int32
    let token: CancellationToken
    let subject: RequestSubject

    /// The life of a request. Only `inline` and `parked` may go on to `answered`.
    private enum Phase {
        /// The FUSE thread is still inside the operation.
        static let inline: UInt8 = 0
        /// The interrupt handler is being registered; an answer waits those few instructions.
        static let registering: UInt8 = 1
        /// The FUSE thread has moved on.
        static let parked: UInt8 = 2
        /// Answered; `raw` may be gone.
        static let answered: UInt8 = 3
    }

    init(_ raw: fuse_req_t, _ subject: RequestSubject, registry: RequestRegistry, lane: Lane) {
        unsafe self.raw = raw
        self.subject = subject
        self.registry = registry
        thread = unsafe fuse_req_ctx(raw).pointee.pid
        token = CancellationToken(requestID: registry.nextID(), lane: lane)
    }

    deinit {
        if phase.load(ordering: .acquiring) != Phase.answered { unsafe fuse_reply_err(raw, EIO) }
    }

    /// Called by the FUSE thread when the operation has returned: if no answer was given, the request is parked under
    /// a deadline and its interrupt is listened to.
    ///
    /// - Parameter longest: seconds that it may wait, where that is less than the mount's requests may.
    func parkUnlessAnswered(longest: Double = .infinity) {
        let (began, _) = phase.compareExchange(
            expected: Phase.inline, desired: Phase.registering, ordering: .acquiringAndReleasing)
        guard began else { return }
        let isKept = registry.add(self, longest: longest)
        // The id, not a pointer, is what libfuse keeps: it may call back while the answer is being given.
        let id = unsafe UnsafeMutableRawPointer(bitPattern: UInt(token.requestID))
        unsafe fuse_req_interrupt_func(
            raw,
            { raw, id in
                guard let raw = unsafe raw, let id = unsafe id else { return }
                unsafe raw.context.registry.interrupt(UInt64(UInt(bitPattern: id)))
            }, id)
        phase.store(Phase.parked, ordering: .releasing)
        guard isKept else { return fail(Errno(rawValue: ENOTCONN)) }
        endIfAsked()
    }

    /// The process that waits was signalled. While the handler is still being registered only a note is taken.
    func interrupt() {
        wasInterrupted.store(true, ordering: .releasing)
        if phase.load(ordering: .acquiring) == Phase.parked { endIfAsked() }
    }

    /// Fails the request if its process was signalled to end. Asked again now and then: the kernel reports the first
    /// signal only, which may have been a harmless one.
    func endIfAsked() {
        guard wasInterrupted.load(ordering: .acquiring) else { return }
        // When it cannot be found out, nothing is lost by giving up: the kernel has said that there is a signal.
        if PendingSignals.asksToEnd(thread: thread) ?? true { fail(Errno(rawValue: EINTR)) }
    }

    /// Fails a read whose thread has ended, or is certainly asked to, although the kernel has not said so. It says so of
    /// requests that it waits for itself; who waits for a page of a read-ahead waits for the page, and can be ended only by
    /// SIGKILL. A read-ahead that fails is no error: the kernel asks for the single page that is waited for, and that
    /// request can be interrupted.
    ///
    /// - Parameter isGone: whether a thread has ended or is asked to, perhaps remembered.
    func endIfAbandoned(_ isGone: (Int32) -> Bool) {
        guard subject.operation == .read, isGone(thread) else { return }
        fail(Errno(rawValue: EINTR))
    }

    /// True for the one caller that may answer.
    private func claim() -> Bool {
        while true {
            let current = phase.load(ordering: .acquiring)
            switch current {
            case Phase.answered: return false
            case Phase.registering: sched_yield()
            default:
                let (won, _) = phase.compareExchange(
                    expected: current, desired: Phase.answered, ordering: .acquiringAndReleasing)
                if won {
                    if current == Phase.parked { registry.remove(token.requestID) }
                    return true
                }
            }
        }
    }

    /// Answers with an error number, and cancels what was done for the request.
    func fail(_ code: Errno) {
        guard claim() else { return }
        unsafe fuse_reply_err(raw, code.rawValue)
        token.cancel()
    }

    /// Answers that the time is over. What was begun for the request goes on, within its own time-outs: a request
    /// that follows finds the result.
    func expire() {
        guard claim() else { return }
        unsafe fuse_reply_err(raw, ETIMEDOUT)
        token.finish()
    }

    /// Answers through `body`, which must call one `fuse_reply_*`; not called when the request was answered before.
    func answer(_ body: (fuse_req_t) -> Void) {
        guard claim() else { return }
        unsafe body(raw)
        token.finish()
    }
}

extension PendingRequest: ReadReceiver {
    func deliver(_ bytes: RawSpan) {
        unsafe answer { raw in
            unsafe bytes.withUnsafeBytes { buffer in
                _ = unsafe fuse_reply_buf(raw, buffer.baseAddress?.assumingMemoryBound(to: CChar.self), buffer.count)
            }
            registry.served.add(bytes.byteCount)
        }
    }

    func fail(_ error: FileTreeError) {
        if error.isWorthLogging { registry.failures.note(error, of: subject, request: token.requestID) }
        fail(error.errno)
    }
}
