internal import CFuse
internal import FileTree
internal import Glibc
internal import Logging
internal import Support
internal import Synchronization

/// The objects that every callback needs, reached through `fuse_req_userdata`.
final class MountContext: Sendable {
    let service: any FileService
    let options: MountOptions
    let presentation: Presentation
    let registry: RequestRegistry
    let handles = OpenHandles()
    let logger: Logger
    /// Whether the kernel has sent its first request (INIT); nil until the answer is known.
    let ready: Monitor<Bool?> = Monitor(nil)

    init(service: any FileService, options: MountOptions, logger: Logger) throws(ThreadError) {
        self.service = service
        self.options = options
        self.logger = logger
        presentation = Presentation(uid: options.uid, gid: options.gid, timeout: options.attributeTimeout)
        registry = try RequestRegistry(timeout: options.requestTimeout, logger: logger) { service.path(of: $0) }
    }

    /// A request with its reply token.
    func begin(
        _ raw: fuse_req_t, _ operation: Operation, _ inode: fuse_ino_t, name: String? = nil, lane: Lane = .demand
    ) -> PendingRequest {
        let subject = RequestSubject(operation: operation, inode: InodeNumber(rawValue: inode), name: name)
        return unsafe PendingRequest(raw, subject, registry: registry, lane: lane)
    }
}

extension fuse_req_t {
    /// The mount of this request. libfuse returns the pointer given to `fuse_session_new`, which ``FuseSession`` keeps
    /// alive.
    var context: MountContext {
        unsafe Unmanaged<MountContext>.fromOpaque(fuse_req_userdata(self)).takeUnretainedValue()
    }
}

/// An object that is reached by the 64-bit file handle of an open file or directory.
final class HandleBox<Value: Sendable>: Sendable {
    let value: Value
    init(_ value: Value) { self.value = value }

    var handle: UInt64 { UInt64(UInt(bitPattern: unsafe Unmanaged.passRetained(self).toOpaque())) }

    static func borrow(_ handle: UInt64) -> HandleBox? {
        guard let pointer = unsafe UnsafeRawPointer(bitPattern: UInt(handle)) else { return nil }
        return unsafe Unmanaged<HandleBox>.fromOpaque(pointer).takeUnretainedValue()
    }

    static func release(_ handle: UInt64) {
        guard let pointer = unsafe UnsafeRawPointer(bitPattern: UInt(handle)) else { return }
        unsafe Unmanaged<HandleBox>.fromOpaque(pointer).release()
    }
}

/// The table of callbacks. Each hands its request to the service and returns; none waits.
func makeOperations() -> fuse_lowlevel_ops {
    var operations = fuse_lowlevel_ops()
    unsafe operations.`init` = { userdata, connection in unsafe initialise(userdata, connection) }
    unsafe operations.lookup = { raw, parent, name in unsafe lookup(raw, parent, name) }
    unsafe operations.forget = { raw, inode, count in
        guard let raw = unsafe raw else { return }
        unsafe raw.context.service.forget(InodeNumber(rawValue: inode), count: count)
        unsafe fuse_reply_none(raw)
    }
    unsafe operations.forget_multi = { raw, count, list in
        guard let raw = unsafe raw else { return }
        let service = unsafe raw.context.service
        unsafe UnsafeBufferPointer(start: list, count: count).forEach {
            service.forget(InodeNumber(rawValue: $0.ino), count: $0.nlookup)
        }
        unsafe fuse_reply_none(raw)
    }
    unsafe operations.getattr = { raw, inode, info in unsafe getAttributes(raw, inode, isOpen: info != nil) }
    unsafe operations.readlink = { raw, inode in unsafe readLink(raw, inode) }
    unsafe operations.open = { raw, inode, info in unsafe open(raw, inode, info) }
    unsafe operations.read = { raw, inode, size, offset, info in unsafe read(raw, inode, size, offset, info) }
    unsafe operations.release = { raw, _, info in
        guard let raw = unsafe raw, let info = unsafe info else { return }
        unsafe raw.context.handles.release(info.pointee.fh)
        unsafe fuse_reply_err(raw, 0)
    }
    unsafe operations.ioctl = { raw, inode, command, _, info, flags, _, _, _ in
        unsafe control(raw, inode, command, info, flags)
    }
    unsafe operations.opendir = { raw, inode, info in unsafe openDirectory(raw, inode, info) }
    unsafe operations.readdir = { raw, inode, size, offset, info in
        unsafe readDirectory(raw, inode, size, offset, info, plus: false)
    }
    unsafe operations.readdirplus = { raw, inode, size, offset, info in
        unsafe readDirectory(raw, inode, size, offset, info, plus: true)
    }
    unsafe operations.releasedir = { raw, _, info in
        guard let raw = unsafe raw, let info = unsafe info else { return }
        unsafe raw.context.handles.releaseDirectory(info.pointee.fh)
        unsafe fuse_reply_err(raw, 0)
    }
    unsafe operations.statfs = { raw, _ in unsafe statistics(raw) }
    unsafe operations.getxattr = { raw, inode, name, size in unsafe getExtendedAttribute(raw, inode, name, size) }
    unsafe operations.listxattr = { raw, inode, size in unsafe listExtendedAttributes(raw, inode, size) }
    return operations
}

private func initialise(_ userdata: UnsafeMutableRawPointer?, _ connection: UnsafeMutablePointer<fuse_conn_info>?) {
    guard let userdata = unsafe userdata, let connection = unsafe connection else { return }
    let context = unsafe Unmanaged<MountContext>.fromOpaque(userdata).takeUnretainedValue()
    // Must equal the `max_read=` mount option, or libfuse 3 stops with EPROTO.
    unsafe connection.pointee.max_read = UInt32(context.options.maximumRead)
    unsafe connection.pointee.max_readahead = UInt32(context.options.maximumRead)
    unsafe connection.pointee.max_background = UInt32(context.options.maximumBackground)
    unsafe connection.pointee.congestion_threshold = UInt32(context.options.maximumBackground * 3 / 4)
    let wanted =
        UInt32(FUSE_CAP_PARALLEL_DIROPS) | UInt32(FUSE_CAP_READDIRPLUS) | UInt32(FUSE_CAP_READDIRPLUS_AUTO)
        | UInt32(FUSE_CAP_ASYNC_READ) | UInt32(FUSE_CAP_CACHE_SYMLINKS) | UInt32(FUSE_CAP_EXPLICIT_INVAL_DATA)
        // The kernel then looks up "." of a number to find the inode of a file handle that it has forgotten.
        | UInt32(FUSE_CAP_EXPORT_SUPPORT)
    unsafe connection.pointee.want |= connection.pointee.capable & wanted
    // Bytes change only with an announced version. The kernel must not drop pages because of a new mtime.
    unsafe connection.pointee.want &= ~UInt32(FUSE_CAP_AUTO_INVAL_DATA)
    // With it, no signal could end a process that waits for one direct read in the background.
    unsafe connection.pointee.want &= ~UInt32(FUSE_CAP_ASYNC_DIO)
    context.ready.update { $0 = true }
}

private func lookup(_ raw: fuse_req_t?, _ parent: fuse_ino_t, _ name: UnsafePointer<CChar>?) {
    guard let raw = unsafe raw, let name = unsafe name else { return }
    let context = unsafe raw.context
    let text = unsafe String(validatingCString: name)
    let request = unsafe context.begin(raw, .lookup, parent, name: text)
    let presentation = context.presentation
    guard let text else {
        // Every name in the tree is UTF-8.
        return request.fail(Errno(rawValue: ENOENT))
    }
    context.service.lookup(text, in: InodeNumber(rawValue: parent), token: request.token) { result in
        switch result {
        case .success(let attributes):
            var isKept = false
            unsafe request.answer { raw in
                var entry = presentation.entry(attributes)
                isKept = unsafe fuse_reply_entry(raw, &entry) == 0
            }
            // The kernel never learns of the answer to a request that was interrupted or is overdue.
            if !isKept { context.service.forget(attributes.inode, count: 1) }
        case .failure(.notFound):
            unsafe request.answer { raw in
                var entry = presentation.absent()
                unsafe fuse_reply_entry(raw, &entry)
            }
        case .failure(let error): request.fail(error)
        }
    }
    request.parkUnlessAnswered(longest: lookupLimit)
}

/// Seconds after which a lookup fails with `ETIMEDOUT`. The kernel locks the directory until the lookup is answered.
/// Until then no signal ends other processes that look up the same name.
private let lookupLimit = 2.0

private func getAttributes(_ raw: fuse_req_t?, _ inode: fuse_ino_t, isOpen: Bool) {
    guard let raw = unsafe raw else { return }
    let context = unsafe raw.context
    let request = unsafe context.begin(raw, .getattr, inode)
    let presentation = context.presentation
    if isOpen, let attributes = context.service.attributes(ofOpen: InodeNumber(rawValue: inode)) {
        return unsafe request.answer { raw in
            var status = presentation.stat(attributes)
            unsafe fuse_reply_attr(raw, &status, presentation.timeout(of: attributes))
        }
    }
    context.service.attributes(of: InodeNumber(rawValue: inode), token: request.token) { result in
        switch result {
        case .success(let attributes):
            unsafe request.answer { raw in
                var status = presentation.stat(attributes)
                unsafe fuse_reply_attr(raw, &status, presentation.timeout)
            }
        case .failure(let error): request.fail(error)
        }
    }
    request.parkUnlessAnswered()
}

private func readLink(_ raw: fuse_req_t?, _ inode: fuse_ino_t) {
    guard let raw = unsafe raw else { return }
    let context = unsafe raw.context
    let request = unsafe context.begin(raw, .readlink, inode)
    do throws(FileTreeError) {
        let target = try context.service.readLink(InodeNumber(rawValue: inode))
        unsafe request.answer { raw in _ = unsafe target.withCString { unsafe fuse_reply_readlink(raw, $0) } }
    } catch {
        request.fail(error)
    }
}

private func open(_ raw: fuse_req_t?, _ inode: fuse_ino_t, _ info: UnsafeMutablePointer<fuse_file_info>?) {
    guard let raw = unsafe raw, let info = unsafe info else { return }
    let context = unsafe raw.context
    let request = unsafe context.begin(raw, .open, inode)
    // `info` lives only as long as this call. An answer from another thread fills a copy.
    let template = unsafe FileInformation(info.pointee)
    guard template.flags & O_ACCMODE == O_RDONLY else { return request.fail(Errno(rawValue: EROFS)) }
    context.service.open(InodeNumber(rawValue: inode), token: request.token) { result in
        switch result {
        case .success(let file):
            unsafe request.answer { raw in
                let (handle, isDirect) = context.handles.add(file, of: request.subject.inode)
                var info = template.value(handle: handle)
                info.keep_cache = file.keepsPageCache ? 1 : 0
                info.direct_io = isDirect ? 1 : 0
                info.noflush = 1
                // The open was interrupted, so the kernel does not know the handle and will not release it.
                if unsafe fuse_reply_open(raw, &info) == -ENOENT { context.handles.release(handle) }
            }
        case .failure(let error): request.fail(error)
        }
    }
    request.parkUnlessAnswered()
}

private func read(
    _ raw: fuse_req_t?, _ inode: fuse_ino_t, _ size: Int, _ offset: off_t,
    _ info: UnsafeMutablePointer<fuse_file_info>?
) {
    guard let raw = unsafe raw, let info = unsafe info else { return }
    let context = unsafe raw.context
    let open = unsafe FileHandle.borrow(info.pointee.fh)?.value
    let request = unsafe context.begin(raw, .read, inode, lane: open?.lane ?? .demand)
    context.logger.debug(
        "read",
        metadata: [
            "request": "\(request.token.requestID)", "inode": "\(inode)", "offset": "\(offset)", "bytes": "\(size)",
        ])
    guard let open else { return request.fail(Errno(rawValue: EBADF)) }
    // The flags are the present ones of the descriptor: fcntl may have changed them since the open.
    let isDirect = unsafe open.bypassesPageCache.load(ordering: .relaxed) || info.pointee.flags & openDirect != 0
    open.file.read(offset: offset, count: size, isDirect: isDirect, token: request.token, receiver: request)
    request.parkUnlessAnswered()
}

private func control(
    _ raw: fuse_req_t?, _ inode: fuse_ino_t, _ command: UInt32, _ info: UnsafeMutablePointer<fuse_file_info>?,
    _ flags: UInt32
) {
    guard let raw = unsafe raw else { return }
    let request = unsafe raw.context.begin(raw, .ioctl, inode)
    // The handle of a directory has no file.
    guard [BackgroundReading.marking, BackgroundReading.counting].contains(command),
        flags & UInt32(FUSE_IOCTL_DIR) == 0, let info = unsafe info,
        let open = unsafe FileHandle.borrow(info.pointee.fh)?.value
    else { return request.fail(Errno(rawValue: ENOTTY)) }
    let isMark = command == BackgroundReading.marking
    if isMark { open.isBackground.store(true, ordering: .relaxed) }
    open.file.countBlocks(forgets: isMark, token: request.token) { result in
        switch result {
        case .success(let count):
            unsafe request.answer { raw in
                var numbers = [UInt64(count.missing), UInt64(count.blocks)]
                _ = unsafe fuse_reply_ioctl(raw, 0, &numbers, isMark ? 0 : 2 * MemoryLayout<UInt64>.size)
            }
        case .failure(let error): request.fail(error)
        }
    }
    request.parkUnlessAnswered()
}

/// Says that there are no blocks and no inodes to count, as `proc` and `sysfs` do: `df` shows neither a full disk nor room
/// that nobody can write to, and a monitor has no share of the space to warn of.
private func statistics(_ raw: fuse_req_t?) {
    guard let raw = unsafe raw else { return }
    unsafe raw.context.begin(raw, .statfs, InodeNumber.root.rawValue).answer { raw in
        var result = statvfs()
        result.f_bsize = 4096
        result.f_frsize = 4096
        result.f_namemax = 255
        unsafe fuse_reply_statfs(raw, &result)
    }
}

private func getExtendedAttribute(
    _ raw: fuse_req_t?, _ inode: fuse_ino_t, _ name: UnsafePointer<CChar>?, _ size: Int
) {
    guard let raw = unsafe raw, let name = unsafe name else { return }
    let context = unsafe raw.context
    let request = unsafe context.begin(raw, .getxattr, inode)
    let text = unsafe String(cString: name)
    // `ls -l` asks every file for a security label and an access list until it learns that this kind does not exist.
    // With "no such attribute", it would make two requests for every file.
    guard text.hasPrefix("user.") else { return request.fail(Errno(rawValue: EOPNOTSUPP)) }
    context.service.extendedAttribute(text, of: InodeNumber(rawValue: inode), token: request.token) { result in
        switch result {
        case .success(let value): reply(value, to: request, size: size)
        case .failure(let error): request.fail(error)
        }
    }
    request.parkUnlessAnswered()
}

private func listExtendedAttributes(_ raw: fuse_req_t?, _ inode: fuse_ino_t, _ size: Int) {
    guard let raw = unsafe raw else { return }
    let context = unsafe raw.context
    let request = unsafe context.begin(raw, .listxattr, inode)
    context.service.extendedAttributeNames(of: InodeNumber(rawValue: inode), token: request.token) { result in
        switch result {
        case .success(let names): reply(names.flatMap { Array($0.utf8) + [0] }, to: request, size: size)
        case .failure(let error): request.fail(error)
        }
    }
    request.parkUnlessAnswered()
}

/// The convention of `getxattr(2)`: size 0 asks for the length; too small a buffer is `ERANGE`.
private func reply(_ value: [UInt8], to request: PendingRequest, size: Int) {
    if size == 0 {
        unsafe request.answer { raw in _ = unsafe fuse_reply_xattr(raw, value.count) }
    } else if size < value.count {
        request.fail(Errno(rawValue: ERANGE))
    } else {
        unsafe request.deliver(value.span.bytes)
    }
}

/// The parts of `fuse_file_info` that an answer from another thread needs.
struct FileInformation: Sendable {
    let flags: Int32

    init(_ info: fuse_file_info) { flags = info.flags }

    func value(handle: UInt64) -> fuse_file_info {
        var info = fuse_file_info()
        info.flags = flags
        info.fh = handle
        return info
    }
}
