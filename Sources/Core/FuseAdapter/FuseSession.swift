internal import CFuse
package import FileTree
internal import Glibc
package import Logging
package import Support

/// Why a mount did not come up or ended badly.
package enum FuseError: Error, Equatable, Sendable, CustomStringConvertible {
    /// libfuse did not accept the options.
    case sessionRejected
    /// `mount(2)` or fusermount3 failed.
    case mountFailed(path: String, reason: String)
    /// The request loop ended with an error.
    case loopFailed(code: Int32)
    /// A thread that every mount needs could not be created.
    case noThread(ThreadError)

    /// One sentence.
    package var description: String {
        switch self {
        case .sessionRejected: "libfuse did not accept the mount options"
        case .mountFailed(let path, let reason): "could not mount on \(path): \(reason)"
        case .loopFailed(let code): "the FUSE loop ended with \(Errno(rawValue: abs(code)))"
        case .noThread(let error): "\(error)"
        }
    }
}

/// What a mount has done, for `status` and the metrics.
package struct FuseStatistics: Sendable {
    /// Requests that wait for the source now.
    package var waiting: Int
    /// Seconds the longest of them has waited.
    package var oldestWait: Double
    /// Requests that ended by their deadline.
    package var expired: Int
    /// Bytes handed to readers.
    package var servedBytes: Int
}

/// One mount. ``run()`` blocks until it is unmounted or a signal ends it.
@safe package final class FuseSession: @unchecked Sendable {
    // Sendable: the session pointer is used by the thread in `run` and by libfuse's own threads. Other threads use it
    // only for calls that libfuse allows from any thread (exit, notify).
    private let context: MountContext
    private let session: OpaquePointer
    private let path: String
    private let isMounted = Monitor(false)
    /// Sends notifications from a thread of its own. The kernel lets a notification wait for pages whose read is not
    /// answered yet. The thread that notices a change is often the one that must answer.
    private let notifier: WorkerPool

    /// Prepares a mount of `service` on the directory `path` and mounts it. Requests are answered once ``run()`` is
    /// called.
    ///
    /// - Throws: ``FuseError`` when libfuse or the kernel refuses.
    package init(service: any FileService, path: String, options: MountOptions, logger: Logger) throws(FuseError) {
        do throws(ThreadError) {
            notifier = try WorkerPool(name: "fuse-notify", count: 1)
        } catch {
            throw .noThread(error)
        }
        do throws(ThreadError) {
            context = try MountContext(service: service, options: options, logger: logger)
        } catch {
            notifier.shutdown()
            throw .noThread(error)
        }
        self.path = path
        var operations = makeOperations()
        var arguments: [UnsafeMutablePointer<CChar>?] = unsafe options.arguments.map { unsafe strdup($0) } + [nil]
        defer { unsafe arguments.forEach { unsafe free($0) } }
        let userdata = unsafe Unmanaged.passUnretained(context).toOpaque()
        guard
            let session = unsafe shim_session_new(
                Int32(options.arguments.count), &arguments, &operations, userdata)
        else {
            context.registry.close()
            notifier.shutdown()
            throw .sessionRejected
        }
        unsafe self.session = session
        // Only libfuse and fusermount3 know the cause of a failure, and they write it to standard error.
        let (code, text) = collectingStandardError {
            OwnerRights.withOwn { unsafe fuse_session_mount(session, path) }
        }
        let messages = MountMessages(text)
        messages.writeOthers()
        guard code == 0 else {
            context.registry.close()
            notifier.shutdown()
            // All properties are initialised, so `deinit` runs and destroys the session.
            throw .mountFailed(path: path, reason: messages.reason ?? "libfuse gives no reason")
        }
        messages.writeOwn()
        isMounted.withLock { $0 = true }
    }

    /// Answers requests until the mount ends: by `umount`, or by SIGINT, SIGTERM or SIGHUP, which every other thread
    /// must block.
    ///
    /// - Parameter unblock: called once the handlers of these signals are installed; unblocks the signals for the
    ///   calling thread. A signal that came before ends the loop at once.
    /// - Returns: the signal that ended the mount, if one did.
    package func run(unblock: () -> Void) throws(FuseError) -> Int32? {
        unsafe fuse_set_signal_handlers(session)
        unblock()
        let code = unsafe shim_session_loop_mt(session, 1, context.options.threads, context.options.threads)
        unsafe fuse_remove_signal_handlers(session)
        context.ready.update { if $0 == nil { $0 = false } }
        isMounted.withLock { $0 = false }
        // Parked requests are answered first. The kernel closes the connection only after their answers, and a
        // notification under way may wait for one of them.
        context.registry.close()
        endNotifications()
        OwnerRights.withOwn { unsafe fuse_session_unmount(session) }
        // The loop returns -1 when its first thread cannot be created (fuse_start_thread of libfuse). It continues
        // without later ones.
        guard code != -1 else { throw .noThread(ThreadError(name: "fuse", cause: Errno(rawValue: EAGAIN))) }
        guard code >= 0 else { throw .loopFailed(code: code) }
        return code > 0 ? code : nil
    }

    /// Lets a notification under way end. It may wait for pages whose reads are still in the queue of the kernel. After
    /// the loop has ended nothing reads that queue, so this function reads and answers it.
    private func endNotifications() {
        let hasEnded = Monitor(false)
        // This job runs after all others. No thread is created to wait for it, because at the end of a mount the
        // process may have no thread left.
        notifier.submit { hasEnded.withLock { $0 = true } }
        unsafe fuse_session_reset(session)
        var buffer = unsafe fuse_buf()
        while !hasEnded.withLock({ $0 }) {
            var descriptor = unsafe pollfd(fd: fuse_session_fd(session), events: Int16(POLLIN), revents: 0)
            guard unsafe poll(&descriptor, 1, 10) > 0 else { continue }
            // Without POLLIN the connection has ended, and with it everything that waits on it.
            let count =
                unsafe descriptor.revents & Int16(POLLIN) != 0 ? fuse_session_receive_buf(session, &buffer) : 0
            if count == -EINTR { continue }
            guard count > 0 else { break }
            unsafe fuse_session_process_buf(session, &buffer)
        }
        unsafe free(buffer.mem)
        notifier.shutdown()
    }

    deinit { unsafe fuse_session_destroy(session) }

    /// Blocks until the kernel has greeted the file system, the mount has ended, or the deadline. True when it has greeted.
    package func waitUntilReady(deadlineSeconds: Double) -> Bool {
        context.ready.wait(until: Instant.now.advanced(bySeconds: deadlineSeconds)) { $0 } ?? false
    }

    /// What the mount does now.
    package var statistics: FuseStatistics {
        let waiting = context.registry.waiting
        return FuseStatistics(
            waiting: waiting.count, oldestWait: waiting.oldest, expired: context.registry.expiredCount,
            servedBytes: context.registry.served.value)
    }

    /// Tells the kernel, soon, that the bytes and attributes of `inode` are of a new version. From any thread.
    package func invalidate(_ inode: InodeNumber) {
        unsafe notify { session in
            // ENOENT: the kernel does not know the inode, so it has nothing to drop.
            _ = unsafe fuse_lowlevel_notify_inval_inode(session, inode.rawValue, 0, 0)
        }
    }

    /// Tells the kernel, soon, to forget the name `name` in `directory`, and all that it knows below it. From any thread.
    package func invalidate(name: String, in directory: InodeNumber) {
        unsafe notify { session in
            _ = unsafe fuse_lowlevel_notify_inval_entry(session, directory.rawValue, name, name.utf8.count)
        }
    }

    private func notify(_ send: @escaping @Sendable (OpaquePointer) -> Void) {
        notifier.submit { [self] in
            guard isMounted.withLock({ $0 }) else { return }
            unsafe send(session)
        }
    }
}
