import Glibc
import Testing

@testable import Support

/// Attacks on root, or on the owner's own programs, by a user with the rights of a directory's owner.
@Suite struct DirectoryHandleTests {
    /// A temporary folder with the directory `d`, a directory `outside`, and a file `outside/treasure`.
    private final class Place {
        let path: String
        var directory: String { "\(path)/d" }
        var treasure: String { "\(path)/outside/treasure" }

        init() throws {
            var template = Array("/tmp/neuronfs-directory-XXXXXX".utf8CString)
            guard mkdtemp(&template) != nil else { throw Errno.current }
            path = String(decoding: template.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
            mkdir("\(path)/d", 0o700)
            mkdir("\(path)/outside", 0o700)
            try writeFileAtomically(Array("treasure".utf8), to: "\(path)/outside/treasure")
        }

        deinit {
            for name in ["d/sub/f", "d/sub", "d/f", "d/g", "d", "outside/treasure", "outside", "link", "moved"] {
                remove("\(path)/\(name)")
            }
            rmdir(path)
        }

        var isUntouched: Bool {
            var status = stat()
            return stat(treasure, &status) == 0 && status.st_size == 8 && status.st_uid == geteuid()
        }
    }

    /// Whether openat2 is used; otherwise names are resolved part by part, as on kernels before 5.6.
    private static let ways = [true, false]

    private func cause(_ body: () throws -> Void) -> FileFault.Cause? {
        do {
            try body()
            return nil
        } catch {
            return (error as? FileFault)?.cause
        }
    }

    private func bytes(_ handle: DirectoryHandle, _ name: String, from offset: Int = 0) throws -> [UInt8] {
        let file = try handle.open(name, O_RDONLY)
        return try file.read(100, at: offset)
    }

    private static let flags = [
        O_RDONLY, O_RDWR | O_CREAT, O_WRONLY | O_CREAT | O_TRUNC, O_WRONLY | O_CREAT | O_APPEND,
    ]

    @Test(arguments: ways, flags) func aLinkIsRefused(_ atOnce: Bool, _ flags: Int32) throws {
        let place = try Place()
        let handle = try DirectoryHandle(place.directory, walksAtOnce: atOnce)
        for target in [place.treasure, "\(place.path)/outside/nothing", "f"] {
            symlink(target, "\(place.directory)/f")
            #expect(cause { _ = try handle.open("f", flags) } == .symbolicLink)
            #expect(cause { try handle.check("f") } == .symbolicLink)
            #expect(access("\(place.path)/outside/nothing", F_OK) != 0)
            #expect(try handle.remove("f"))
        }
        #expect(place.isUntouched)
    }

    @Test(arguments: ways, flags) func aSecondNameIsRefusedBeforeAnythingIsChanged(_ atOnce: Bool, _ flags: Int32)
        throws
    {
        let place = try Place()
        let handle = try DirectoryHandle(place.directory, walksAtOnce: atOnce)
        #expect(link(place.treasure, "\(place.directory)/f") == 0)
        #expect(cause { _ = try handle.open("f", flags) } == .hardLink)
        #expect(cause { try handle.check("f") } == .hardLink)
        #expect(place.isUntouched)
    }

    @Test(arguments: ways, flags) func aFIFOIsRefusedWithoutWaiting(_ atOnce: Bool, _ flags: Int32) throws {
        let place = try Place()
        let handle = try DirectoryHandle(place.directory, walksAtOnce: atOnce)
        mkfifo("\(place.directory)/f", 0o600)
        #expect(cause { _ = try handle.open("f", flags) } == .notRegular)
        #expect(cause { try handle.check("f") } == .notRegular)
    }

    @Test(.enabled(if: geteuid() == 0), arguments: ways) func aFileOfSomebodyElseIsRefused(_ atOnce: Bool) throws {
        let place = try Place()
        let handle = try DirectoryHandle(place.directory, walksAtOnce: atOnce)
        try writeFileAtomically([1], to: "\(place.directory)/f")
        chown("\(place.directory)/f", 12_345, 0)
        #expect(cause { _ = try handle.open("f", O_RDONLY) } == .owner(12_345))
    }

    /// The kernel walks for openCached, or the file is not opened at all.
    @Test func openingFromMemoryRefusesTheSame() throws {
        let place = try Place()
        let handle = try DirectoryHandle(place.directory)
        let file = "\(place.directory)/f"
        let plants: [(FileFault.Cause, () -> Int32)] = [
            (.symbolicLink, { symlink(place.treasure, file) }), (.hardLink, { link(place.treasure, file) }),
            (.notRegular, { mkfifo(file, 0o600) }), (.system(Errno(rawValue: EISDIR)), { mkdir(file, 0o700) }),
        ]
        for (expected, plant) in plants {
            #expect(plant() == 0)
            #expect(cause { _ = try handle.openCached("f") } == expected)
            #expect(remove(file) == 0)
        }
        #expect(symlink("\(place.path)/outside", "\(place.directory)/sub") == 0)
        #expect(cause { _ = try handle.openCached("sub/treasure") } == .symbolicLink)
        #expect(cause { _ = try handle.openCached("../outside/treasure") } != nil)
        // Never looked up before, so the kernel would have to read the directory.
        #expect(cause { _ = try handle.openCached("g") } == .system(Errno(rawValue: EAGAIN)))
        #expect(remove("\(place.directory)/sub") == 0)
        let partwise = try DirectoryHandle(place.directory, walksAtOnce: false)
        #expect(cause { _ = try partwise.openCached("g") } == .system(Errno(rawValue: ENOSYS)))
    }

    /// A subdirectory that was replaced by a link, for every verb.
    @Test(arguments: ways) func aLinkOnTheWayIsRefused(_ atOnce: Bool) throws {
        let place = try Place()
        let handle = try DirectoryHandle(place.directory, walksAtOnce: atOnce)
        for target in ["\(place.path)/outside", "../outside"] {
            symlink(target, "\(place.directory)/sub")
            let verbs: [() throws -> Void] = [
                { _ = try handle.open("sub/treasure", O_RDONLY) },
                { _ = try handle.open("sub/new", O_WRONLY | O_CREAT | O_EXCL) },
                { _ = try handle.status("sub/treasure") },
                { try handle.remove("sub/treasure") },
                { try handle.rename("sub/treasure", to: "sub/new") },
                { try handle.makeDirectory("sub/new") },
                { _ = try handle.names(in: "sub") },
            ]
            for (number, verb) in verbs.enumerated() {
                #expect(cause(verb) == .symbolicLink, "verb \(number)")
            }
            #expect(try handle.remove("sub"))
        }
        #expect(place.isUntouched && access("\(place.path)/outside/new", F_OK) != 0)
    }

    @Test(arguments: ways) func filesAreMadeReadRenamedAndRemoved(_ atOnce: Bool) throws {
        let place = try Place()
        let handle = try DirectoryHandle(place.directory, walksAtOnce: atOnce)
        #expect(try handle.names(in: "sub").isEmpty)
        try handle.makeDirectory("sub")
        try handle.makeDirectory("sub")
        var file = try handle.open("sub/f", O_WRONLY | O_CREAT | O_EXCL)
        try file.write(Array("abc".utf8))
        try file.finish(flush: true)
        #expect(try bytes(handle, "sub/f", from: 1) == Array("bc".utf8))
        _ = try handle.open("sub/f", O_WRONLY | O_TRUNC)
        #expect(try bytes(handle, "sub/f").isEmpty)
        try handle.rename("sub/f", to: "sub/g")
        #expect(try handle.names(in: "sub") == ["g"] && handle.names() == ["sub"])
        #expect(try handle.remove("sub/g") && !handle.remove("sub/g") && !handle.remove("none/g"))
        #expect(cause { _ = try handle.open("sub/g", O_RDONLY) } == .system(Errno(rawValue: ENOENT)))
        try handle.check("sub/g")
    }

    /// The directory is looked up once. A later change of its path has no effect.
    @Test func aHandleStaysWithItsDirectory() throws {
        let place = try Place()
        symlink("d", "\(place.path)/link")
        let handle = try DirectoryHandle("\(place.path)/link")
        try writeFileAtomically([1], to: "\(place.directory)/f")
        unlink("\(place.path)/link")
        symlink("outside", "\(place.path)/link")
        #expect(try handle.names() == ["f"])
    }

    @Test func aWayOfLinksAndDots() throws {
        let place = try Place()
        symlink(place.path, "\(place.path)/link")
        let handle = try DirectoryHandle("\(place.path)/link/outside/.././d//.")
        #expect(handle.owner == geteuid())
        symlink("moved", "\(place.path)/moved")
        #expect(throws: FileFault("", Errno(rawValue: ELOOP))) { try DirectoryHandle("\(place.path)/moved/d") }
        #expect(throws: FileFault("", Errno(rawValue: ENOTDIR))) { try DirectoryHandle(place.treasure) }
        #expect(throws: FileFault("", Errno(rawValue: ENOENT))) { try DirectoryHandle("\(place.path)/none") }
    }

    @Test(.enabled(if: geteuid() == 0)) func aLinkOfAUserDoesNotLeadRootToADirectoryOfRoot() throws {
        let place = try Place()
        symlink("outside", "\(place.path)/link")
        lchown("\(place.path)/link", 12_345, 12_345)
        #expect(throws: FileFault("", .foreignLink(12_345))) { try DirectoryHandle("\(place.path)/link") }
        #expect(throws: FileFault("", .foreignLink(12_345))) { try DirectoryHandle(making: "\(place.path)/link/../d") }
    }

    @Test(.enabled(if: geteuid() == 0)) func rootOpensADirectoryOfAUserWithThatUsersRightsOnly() throws {
        let place = try Place()
        #expect(OwnerRights(ownerOf: place.directory) == nil)
        chown(place.directory, 12_345, 23_456)
        chmod(place.path, 0o711)
        #expect(throws: FileFault("", .directoryOwner(12_345))) { try DirectoryHandle(place.directory) }
        let rights = try #require(OwnerRights(ownerOf: "\(place.directory)/not/there"))
        #expect(rights.user == 12_345)
        let outcome = Monitor<Result<UInt32, any Error>?>(nil)
        // For file access alone, the rights end with the thread. The groups are those of the process.
        let before = groups()
        try NamedThread("rights") { [directory = place.directory, treasure = place.treasure] in
            let result = Result {
                try rights.takeForFiles()
                #expect(openFails(treasure) == EACCES)
                #expect(OwnerRights.withOwn { openFails(treasure) } == 0)
                #expect(openFails(treasure) == EACCES)
                let handle = try DirectoryHandle(directory)
                _ = try handle.open("f", O_WRONLY | O_CREAT)
                return try handle.status("f").user
            }
            outcome.withLock { $0 = result }
        }.join()
        #expect(setgroups(before.count, before) == 0)
        #expect(try outcome.withLock { try $0?.get() } == 12_345)
        #expect(geteuid() == 0 && openFails(place.treasure) == 0)
    }
}

/// The error of opening a file for reading, 0 for none.
private func openFails(_ path: String) -> Int32 {
    do throws(Errno) {
        close(try openFile(path, flags: O_RDONLY))
        return 0
    } catch {
        return error.rawValue
    }
}

private func groups() -> [gid_t] {
    var list = [gid_t](repeating: 0, count: max(1, Int(getgroups(0, nil))))
    let count = getgroups(Int32(list.count), &list)
    return Array(list.prefix(Int(count)))
}
