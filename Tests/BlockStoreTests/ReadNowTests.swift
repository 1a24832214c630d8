import CPosix
import Glibc
import Support
import Testing

@testable import BlockStore

/// Whether the file system of `folder` can read from memory alone. Ext4, XFS and Btrfs can; tmpfs and NFS cannot.
private func canReadCached(_ folder: String) -> Bool {
    guard let scratch = try? Scratch(in: folder), (try? writeFile(scratch.cache, [1])) != nil,
        let descriptor = try? openFile(scratch.cache, flags: O_RDONLY)
    else { return false }
    defer { close(descriptor) }
    var byte: UInt8 = 0
    return posix_read_cached(descriptor, &byte, 1, 0) >= 0 || errno != EOPNOTSUPP
}

/// Answers from memory alone, which a FUSE thread may ask for.
@Suite(.enabled(if: canReadCached("/tmp"))) struct ReadNowTests {
    /// Lets the kernel drop the pages of a file.
    private func dropPages(_ path: String) throws {
        let descriptor = try openFile(path, flags: O_RDONLY)
        defer { close(descriptor) }
        // Pages that are not on the device yet cannot be dropped.
        #expect(fsync(descriptor) == 0)
        #expect(posix_fadvise(descriptor, 0, 0, POSIX_FADV_DONTNEED) == 0)
    }

    @Test func aBlockInMemoryIsAnsweredAndCounted() throws {
        let (scratch, world, key) = (try Scratch(), World(), key("7/image/1"))
        let store = try world.open(scratch)
        defer { store.close() }
        store.write(key, content(key, 300_000), fetchCost: 0)
        #expect(store.readNow(key) == .block(content(key, 300_000)))
        #expect(store.statistics.hits == 1 && store.statistics.misses == 0)
    }

    /// A short read proves the parts that it gives, and reads no others.
    @Test func aDamagedPartIsNeverGivenAndHidesNoOther() throws {
        let (scratch, world, key) = (try Scratch(), World(), key("7/file/1"))
        let store = try world.open(scratch)
        defer { store.close() }
        let whole = content(key, 1 << 20)
        store.write(key, whole, fetchCost: 0)
        let path = try #require(try scratch.blockFiles().first)
        var file = try readFile(path)
        // The last byte of the part at 160 KiB.
        file[file.count - whole.count + 180_223] ^= 1
        try writeFile(path, file)
        for start in stride(from: 0, to: whole.count, by: 8192) {
            let range = start..<start + 8192
            let isDamaged = range.overlaps(163_840..<180_224)
            let answer = store.readNow(key, BlockSlice(range, of: whole.count))
            #expect(answer == (isDamaged ? .mustWait : .block(Array(whole[range]))), "\(range)")
        }
        // The read that follows finds the damage and removes the block.
        #expect(store.read(key) == nil && store.statistics.corrupt == 1)
        #expect(store.readNow(key, BlockSlice(0..<8192, of: whole.count)) == .absent)
    }

    @Test func aBlockThatOnlyTheDeviceHasMustWait() throws {
        let (scratch, world, key) = (try Scratch(), World(), key("7/image/1"))
        let store = try world.open(scratch)
        defer { store.close() }
        store.write(key, content(key, 300_000), fetchCost: 0)
        try dropPages(try #require(try scratch.blockFiles().first))
        #expect(store.readNow(key) == .mustWait)
        #expect(store.statistics.hits == 0 && store.statistics.misses == 0)
        #expect(store.read(key) == content(key, 300_000))
        #expect(store.readNow(key) == .block(content(key, 300_000)))
    }

    @Test func aBlockIsAbsentOnceTheScanHasMetAllFiles() throws {
        let (scratch, world) = (try Scratch(), World())
        let first = try world.open(scratch)
        for index in 0..<3 { first.write(key("a", index), [UInt8(index)], fetchCost: 0) }
        first.close()
        #expect(first.readNow(key("a", 0)) == .absent)

        // The scan stands still at its first block.
        let (isScanning, mayGoOn) = (Monitor(false), Monitor(false))
        let test = pthread_self()
        var system = world.system
        let clock = system.now
        system.now = {
            if pthread_self() != test {
                isScanning.update { $0 = true }
                mayGoOn.wait { $0 ? () : nil }
            }
            return clock()
        }
        let store = try DiskBlockStore(
            directory: scratch.cache, limits: CacheLimits(maximumBytes: 1 << 30, minimumFreeBytes: 0), owner: "",
            logger: world.log.logger, system: system)
        defer { store.close() }
        isScanning.wait { $0 ? () : nil }
        for index in 0..<3 { #expect(store.readNow(key("a", index)) == .block([UInt8(index)])) }
        #expect(store.readNow(key("a", 3)) == .mustWait)
        #expect(store.statistics.misses == 0)
        mayGoOn.update { $0 = true }
        store.waitForScan()
        #expect(store.readNow(key("a", 3)) == .absent)
        #expect(store.statistics.misses == 1 && store.statistics.hits == 3)
    }

    /// `read` counts and removes it; a FUSE thread does not wait for that.
    @Test func aDamagedBlockMustWait() throws {
        let (scratch, world, key) = (try Scratch(), World(), key("7/image/1"))
        let store = try world.open(scratch)
        defer { store.close() }
        store.write(key, content(key, 100), fetchCost: 0)
        let path = try #require(try scratch.blockFiles().first)
        let file = try readFile(path)
        for position in file.indices {
            var damaged = file
            damaged[position] ^= 1
            try writeFile(path, damaged)
            #expect(store.readNow(key) == .mustWait, "byte \(position)")
        }
        #expect(store.statistics.corrupt == 0 && store.statistics.hits == 0)
        #expect(try scratch.blockFiles() == [path])
        #expect(store.read(key) == nil)
        #expect(store.statistics.corrupt == 1)
        #expect(store.readNow(key) == .absent)
    }

    /// A good block reached by a link, by a second name, or below a directory that was replaced by a link, and a FIFO.
    @Test func aPlantedFileIsNotServed() throws {
        let (scratch, world, key) = (try Scratch(), World(), key("7/image/1"))
        let store = try world.open(scratch)
        defer { store.close() }
        store.write(key, [1, 2, 3], fetchCost: 0)
        let path = try #require(try scratch.blockFiles().first)
        let outside = "\(scratch.path)/outside"
        #expect(rename(path, outside) == 0)
        let plants: [() -> Int32] = [
            { symlink(outside, path) }, { link(outside, path) }, { mkfifo(path, 0o600) }, { mkdir(path, 0o700) },
        ]
        for (number, plant) in plants.enumerated() {
            #expect(plant() == 0)
            #expect(store.readNow(key) == .mustWait, "plant \(number)")
            #expect(remove(path) == 0)
        }
        let folder = String(path.prefix(upTo: try #require(path.lastIndex(of: "/"))))
        #expect(rename(outside, path) == 0 && rename(folder, outside) == 0 && symlink(outside, folder) == 0)
        #expect(store.readNow(key) == .mustWait)
        #expect(unlink(folder) == 0 && rename(outside, folder) == 0)
        #expect(store.readNow(key) == .block([1, 2, 3]))
    }

    @Test func theTimeOfUseReachesTheFileWithoutTheReader() throws {
        let (scratch, world, key) = (try Scratch(), World(), key("7/image/1"))
        world.state.withLock { $0.now = wallClockSeconds() }
        let store = try world.open(scratch)
        defer { store.close() }
        store.write(key, [1], fetchCost: 0)
        world.advance(1000)
        #expect(store.readNow(key) == .block([1]))
        let now = world.state.withLock { $0.now.rounded(.down) }
        #expect(
            try eventually { try store.state.files.status(BlockDigest(key)).modified == now },
            "the maintenance thread sets it")
    }

    /// /dev/shm is a tmpfs.
    @Test(.enabled(if: !canReadCached("/dev/shm"))) func aFileSystemThatCannotIsNotAskedAgain() throws {
        let (scratch, world, key) = (try Scratch(in: "/dev/shm"), World(), key("7/image/1"))
        let store = try world.open(scratch)
        defer { store.close() }
        store.write(key, [1], fetchCost: 0)
        #expect(store.state.guarded.withLock { $0.canReadNow })
        for _ in 0..<2 {
            #expect(store.readNow(key) == .mustWait)
            #expect(!store.state.guarded.withLock { $0.canReadNow })
        }
        #expect(store.read(key) == [1])
        // The index needs no file system.
        #expect(store.readNow(BlockKey(object: key.object, index: 1)) == .absent)
    }
}
