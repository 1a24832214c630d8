import Glibc
import Logging
import Support
import TestTools
import Testing

@testable import BlockStore

/// A directory of its own for one test, removed with the object.
final class Scratch: Sendable {
    let path: String

    init(in folder: String = "/tmp") throws {
        var template = Array("\(folder)/neuronfs-cache-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw Errno.current }
        path = String(decoding: template.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    }

    deinit { removeTree(path) }

    var cache: String { "\(path)/cache" }

    /// All files below `cache`, as paths.
    func blockFiles() throws -> [String] {
        var files: [String] = []
        for subdirectory in try names(in: "\(cache)/blocks-V1") {
            for name in try names(in: "\(cache)/blocks-V1/\(subdirectory)") {
                files.append("\(cache)/blocks-V1/\(subdirectory)/\(name)")
            }
        }
        return files.sorted()
    }

    /// The bytes on disk of all files that are blocks, by the definition in CacheLimits.
    func blockBytes() throws -> Int {
        try blockFiles().filter { !$0.contains("tmp.") }
            .reduce(0) { $0 + (try readFile($1).count + 4095) / 4096 * 4096 }
    }
}

func removeTree(_ path: String) {
    var status = stat()
    guard lstat(path, &status) == 0 else { return }
    if status.st_mode & S_IFMT == S_IFDIR {
        for name in (try? names(in: path)) ?? [] { removeTree("\(path)/\(name)") }
        rmdir(path)
    } else {
        unlink(path)
    }
}

func readFile(_ path: String) throws -> [UInt8] { try readWholeFile(path) }

func writeFile(_ path: String, _ bytes: [UInt8]) throws {
    let descriptor = try openFile(path, flags: O_WRONLY | O_CREAT | O_TRUNC, mode: 0o600)
    defer { close(descriptor) }
    try writeAll(bytes, to: descriptor)
}

/// The names in the directory `path`; of one that is not there, none.
func names(in path: String) throws -> [String] {
    do throws(FileFault) {
        return try DirectoryHandle(path).names()
    } catch {
        if error.isMissing { return [] }
        throw error
    }
}

/// A clock, a disk and its faults, all set by the test.
final class World: Sendable {
    struct State {
        var now = 1_700_000_000.0
        var free: Int?
        var fault: Errno?
        /// Seconds between two looks of the maintenance thread.
        var pollSeconds = 0.005
    }

    let state = Monitor(State())
    let log = LogBook()

    var system: CacheSystem {
        CacheSystem(
            now: { self.state.withLock { $0.now } }, freeBytes: { _ in self.state.withLock { $0.free } },
            writeFault: { self.state.withLock { $0.fault } }, pollSeconds: state.withLock { $0.pollSeconds })
    }

    func advance(_ seconds: Double) { state.withLock { $0.now += seconds } }

    func open(
        _ scratch: Scratch, maximum: Int = 1 << 40, minimumFree: Int = 0, scanned: Bool = true
    ) throws -> DiskBlockStore {
        let cache = try DiskBlockStore(
            directory: scratch.cache, limits: CacheLimits(maximumBytes: maximum, minimumFreeBytes: minimumFree),
            owner: "/mnt/test", logger: log.logger, system: system)
        if scanned { cache.waitForScan() }
        return cache
    }
}

func key(_ id: String, _ index: Int = 0, validator: String = "v1", length: Int? = nil) -> BlockKey {
    BlockKey(object: ObjectIdentity(id: id, validator: validator, length: length), index: index)
}

extension BlockStore {
    /// The block, after waiting for it.
    func read(_ key: BlockKey) -> [UInt8]? { read(key, token: CancellationToken()).wait().get() }
}

/// Bytes that only this key has.
func content(_ key: BlockKey, _ count: Int) -> [UInt8] {
    var generator = SplitMix(
        UInt64(bitPattern: Int64(key.index)) &* 31
            &+ UInt64(key.object.id.utf8.reduce(0) { $0 * 131 % 65_521 + Int($1) }))
    return (0..<count).map { _ in UInt8(truncatingIfNeeded: generator.next()) }
}

/// Seeded random numbers (Steele, Lea and Flood, 2014).
struct SplitMix: RandomNumberGenerator {
    private var state: UInt64
    init(_ seed: UInt64) { state = seed }
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}

/// Waits until `condition` holds, by asking it again and again; the limit only ends a test that hangs.
func eventually(_ condition: () throws -> Bool) rethrows -> Bool {
    let limit = Instant.now.advanced(bySeconds: 60)
    while Instant.now < limit {
        if try condition() { return true }
        usleep(1000)
    }
    return false
}
