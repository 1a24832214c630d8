internal import CFuse
internal import FileTree
internal import Glibc
internal import Support
internal import Synchronization

/// The operation that the kernel requests, as the log names it.
enum Operation: String, Sendable {
    case lookup, getattr, readlink, open, read, ioctl, opendir, readdir, statfs, getxattr, listxattr
}

/// The subject of a request. It is equal for all requests that ask the same of the same file.
struct RequestSubject: Hashable, Sendable {
    var operation: Operation
    /// The inode of the file, or of the directory that contains `name`.
    var inode: InodeNumber
    /// The name to look up in that directory.
    var name: String?
}

/// One kernel request. It is answered exactly once, now or later, from any thread.
///
/// A request that waits is parked: it has a deadline, and it ends at once when its process is interrupted. When the
/// last reference to an unanswered request is released, it replies `EIO`, so that no process stays in state D.
@safe final class PendingRequest: @unchecked Sendable {
    // Sendable: `raw` may be answered from any thread (libfuse), and `phase` admits one answer.
    private let raw: fuse_req_t
    private let phase = Atomic<UInt8>(Phase.inline)
    private let wasInterrupted = Atomic<Bool>(false)
    private let registry: RequestRegistry
    /// The thread of the reader that waits.
    private let thread: Int32
    let token: CancellationToken
    let subject: RequestSubject

    /// The phases of a request. Only `inline` and `parked` may go on to `answered`.
    private enum Phase {
        /// The FUSE thread is still inside the operation.
        static let inline: UInt8 = 0
        /// The interrupt handler is being registered. An answer waits for those few instructions.
        static let registering: UInt8 = 1
        /// The FUSE thread has returned from the operation.
        static let parked: UInt8 = 2
        /// Answered; `raw` may be freed.
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

    /// Called by the FUSE thread when the operation has returned. Without an answer by then, the request is parked
    /// under a deadline, and its interrupt is handled.
    ///
    /// - Parameter longest: seconds that it may wait, when that is less than the time-out of the mount.
    func parkUnlessAnswered(longest: Double = .infinity) {
        let (began, _) = phase.compareExchange(
            expected: Phase.inline, desired: Phase.registering, ordering: .acquiringAndReleasing)
        guard began else { return }
        let isKept = registry.add(self, longest: longest)
        // libfuse keeps the id and not a pointer, because it may call back while the answer is being given.
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

    /// The process that waits has received a signal. While the handler is still being registered, the request only
    /// records it.
    func interrupt() {
        wasInterrupted.store(true, ordering: .releasing)
        if phase.load(ordering: .acquiring) == Phase.parked { endIfAsked() }
    }

    /// Fails the request if the signal asks its process to end. Called again at intervals: the kernel reports the first
    /// signal only, which may have been a harmless one.
    func endIfAsked() {
        guard wasInterrupted.load(ordering: .acquiring) else { return }
        // When this cannot be determined, giving up is safe: the kernel has reported a signal.
        if PendingSignals.asksToEnd(thread: thread) ?? true { fail(Errno(rawValue: EINTR)) }
    }

    /// Fails a read whose thread has ended, or has certainly received a signal to end, although the kernel has not
    /// reported it. The kernel reports it only for a request that the process itself waits for. A process that waits
    /// for a page of a read-ahead waits for the page, and only SIGKILL can end it. A failed read-ahead is no error to
    /// the reader: the kernel then asks for the single page, and that request can be interrupted.
    ///
    /// - Parameter isGone: whether a thread has ended or was asked to end; the answer may be remembered.
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

    /// Answers with an error number, and cancels the work that was started for the request.
    func fail(_ code: Errno) {
        guard claim() else { return }
        unsafe fuse_reply_err(raw, code.rawValue)
        token.cancel()
    }

    /// Answers that the time is over. Work that was started for the request goes on within its own time-outs, so that a
    /// later request finds the result.
    func expire() {
        guard claim() else { return }
        unsafe fuse_reply_err(raw, ETIMEDOUT)
        token.finish()
    }

    /// Answers through `body`, which must call exactly one `fuse_reply_*`. `body` is not called when the request was
    /// answered before.
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
