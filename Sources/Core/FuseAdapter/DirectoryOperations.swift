internal import CFuse
internal import FileTree
internal import Glibc
internal import Support

func openDirectory(_ raw: fuse_req_t?, _ inode: fuse_ino_t, _ info: UnsafeMutablePointer<fuse_file_info>?) {
    guard let raw = unsafe raw, let info = unsafe info else { return }
    let context = unsafe raw.context
    let request = unsafe context.begin(raw, .opendir, inode)
    let template = unsafe FileInformation(info.pointee)
    context.service.children(of: InodeNumber(rawValue: inode), token: request.token) { result in
        switch result {
        case .success(let entries):
            unsafe request.answer { raw in
                let handle = context.handles.addDirectory(entries, of: request.subject.inode)
                var info = template.value(handle: handle)
                info.keep_cache = 1
                info.cache_readdir = 1
                if unsafe fuse_reply_open(raw, &info) == -ENOENT { context.handles.releaseDirectory(handle) }
            }
        case .failure(let error): request.fail(error)
        }
    }
    request.parkUnlessAnswered()
}

/// Answers READDIR, or READDIRPLUS, with as many entries from `offset` on as fit into `size` bytes.
func readDirectory(
    _ raw: fuse_req_t?, _ inode: fuse_ino_t, _ size: Int, _ offset: off_t,
    _ info: UnsafeMutablePointer<fuse_file_info>?, plus: Bool
) {
    guard let raw = unsafe raw, let info = unsafe info else { return }
    let context = unsafe raw.context
    let request = unsafe context.begin(raw, .readdir, inode)
    guard let directory = unsafe DirectoryHandle.borrow(info.pointee.fh) else {
        return request.fail(Errno(rawValue: EBADF))
    }
    let service = context.service
    unsafe request.answer { raw in
        unsafe withUnsafeTemporaryAllocation(byteCount: max(size, 1), alignment: 8) { buffer in
            guard let base = unsafe buffer.baseAddress?.assumingMemoryBound(to: CChar.self) else { return }
            var used = 0
            // The kernel takes an entry of READDIRPLUS with attributes for a reply to a lookup.
            var counted: [InodeNumber] = []
            for (index, child) in directory.value.value.enumerated().dropFirst(Int(offset)) {
                let isResolved = child.attributes != nil && (!plus || service.countLookup(of: child))
                var entry = context.presentation.entry(of: child, isResolved: isResolved)
                let next = off_t(index + 1)
                let need =
                    plus
                    ? unsafe fuse_add_direntry_plus(raw, base + used, size - used, child.name, &entry, next)
                    : unsafe fuse_add_direntry(raw, base + used, size - used, child.name, &entry.attr, next)
                if plus, isResolved { counted.append(child.inode) }
                if need > size - used {
                    if plus, isResolved { service.forget(counted.removeLast(), count: 1) }
                    break
                }
                used += need
            }
            // The kernel never learns of the answer to a request that was interrupted.
            if unsafe fuse_reply_buf(raw, base, used) != 0 {
                for inode in counted { service.forget(inode, count: 1) }
            }
        }
    }
}
