import BlockStore
import Support
import TestTools
import Testing

/// The kinds of store that must keep the promises of the protocol ``BlockStore``.
enum StoreKind: CaseIterable {
    case disk, memory, shared
    /// A disk in front of a store a network away, and memory in front of a disk.
    case diskOverShared, memoryOverDisk
}

/// A store of a kind, and the end of everything it needs.
private struct Subject {
    let store: any BlockStore
    let close: () -> Void

    init(_ kind: StoreKind) throws {
        let scratch = try Scratch()
        let workers = try WorkerPool(name: "copy", count: 1)
        var shared: SharedBlockStore?
        var disk: DiskBlockStore?
        switch kind {
        case .disk:
            let store = try World().open(scratch)
            (self.store, disk) = (store, store)
        case .memory:
            store = MemoryBlockStore()
        case .shared:
            let store = try SharedBlockStore()
            (self.store, shared) = (store, store)
        case .diskOverShared:
            let (fast, slow) = (try World().open(scratch), try SharedBlockStore())
            (disk, shared) = (fast, slow)
            store = TieredBlockStore(fast: fast, slow: slow, workers: workers)
        case .memoryOverDisk:
            let slow = try World().open(scratch)
            disk = slow
            store = TieredBlockStore(fast: MemoryBlockStore(limit: 1000), slow: slow, workers: workers)
        }
        close = {
            workers.shutdown()
            shared?.close()
            disk?.close()
            withExtendedLifetime(scratch) {}
        }
    }
}

/// The promises of the protocol ``BlockStore``, for every store.
@Suite struct ConformanceTests {
    @Test(arguments: StoreKind.allCases) func aBlockIsReadAsItWasWritten(_ kind: StoreKind) throws {
        let subject = try Subject(kind)
        defer { subject.close() }
        let store = subject.store
        for (number, count) in [0, 1, 4096, 300_000].enumerated() {
            let key = key("7/image/1", number)
            #expect(store.read(key) == nil)
            store.write(key, content(key, count), fetchCost: 0.1).wait().get()
            #expect(store.read(key) == content(key, count))
        }
    }

    @Test(arguments: StoreKind.allCases) func everyPartOfTheKeyNamesTheBlock(_ kind: StoreKind) throws {
        let subject = try Subject(kind)
        defer { subject.close() }
        let keys = [
            key("7/image/1", 0), key("7/image/1", 1), key("7/image/2", 0), key("7/image/1", 0, validator: "v2"),
            key("7/image/1", 0, length: 5),
        ]
        for (number, key) in keys.enumerated() {
            #expect(!subject.store.contains(key) && !subject.store.isKept(key))
            subject.store.write(key, [UInt8(number)], fetchCost: 0).wait().get()
        }
        for (number, key) in keys.enumerated() {
            #expect(subject.store.read(key) == [UInt8(number)])
            #expect(subject.store.contains(key) && subject.store.isKept(key))
        }
    }

    @Test(arguments: StoreKind.allCases) func aSecondWriteReplacesTheBlock(_ kind: StoreKind) throws {
        let subject = try Subject(kind)
        defer { subject.close() }
        let key = key("7/image/1")
        for count in [9000, 3] {
            subject.store.write(key, content(key, count), fetchCost: 0).wait().get()
            #expect(subject.store.read(key) == content(key, count))
        }
    }

    /// A store that cannot answer now says so. It never calls a block absent that it has.
    @Test(arguments: StoreKind.allCases) func readNowAgreesWithRead(_ kind: StoreKind) throws {
        let subject = try Subject(kind)
        defer { subject.close() }
        let (present, missing) = (key("7/image/1", 0), key("7/image/1", 1))
        subject.store.write(present, content(present, 5000), fetchCost: 0).wait().get()
        #expect(subject.store.read(present) == content(present, 5000))
        #expect([.block(content(present, 5000)), .mustWait].contains(subject.store.readNow(present)))
        #expect([.absent, .mustWait].contains(subject.store.readNow(missing)))
    }

    /// Any part of a block, short or long; a block of another length is left to the read that can tell.
    @Test(arguments: StoreKind.allCases) func slicesAreThoseOfTheWholeBlock(_ kind: StoreKind) throws {
        let subject = try Subject(kind)
        defer { subject.close() }
        var generator = Seeded(7)
        for (number, length) in [1, 5000, 262_143, 262_144, 300_001, 1 << 20].enumerated() {
            let key = key("7/file/1", number)
            let whole = content(key, length)
            subject.store.write(key, whole, fetchCost: 0).wait().get()
            #expect(subject.store.read(key) == whole)
            for _ in 0..<30 {
                let low = Int.random(in: 0..<length, using: &generator)
                let high = Int.random(in: low...min(length, low + 70_000), using: &generator)
                let answer = subject.store.readNow(key, BlockSlice(low..<high, of: length))
                #expect([.block(Array(whole[low..<high])), .mustWait].contains(answer), "\(low..<high) of \(length)")
            }
            #expect(subject.store.readNow(key, BlockSlice(0..<1, of: length + 1)) == .mustWait)
        }
    }

    @Test(arguments: StoreKind.allCases) func bytesAreThoseOfAnObjectAndOfObjectsBelow(_ kind: StoreKind) throws {
        let subject = try Subject(kind)
        defer { subject.close() }
        for (number, id) in ["7/image/1", "7/image/2", "7/image/12", "77/image/1"].enumerated() {
            subject.store.write(key(id, number), content(key(id), 100), fetchCost: 0).wait().get()
        }
        // Stores count pages or bytes.
        let one = subject.store.bytes(ofObject: "7/image/1")
        #expect(one >= 100)
        #expect(subject.store.bytes(ofObject: "7/image") == 3 * one)
        #expect(subject.store.bytes(ofObject: "7") == 3 * one)
        #expect(subject.store.bytes(ofObject: "8") == 0)
    }

    @Test(arguments: StoreKind.allCases) func promisesOfALocalStoreAreResolved(_ kind: StoreKind) throws {
        let subject = try Subject(kind)
        defer { subject.close() }
        #expect(subject.store.isLocal == [.disk, .memory, .memoryOverDisk].contains(kind))
        guard subject.store.isLocal else { return }
        let token = CancellationToken()
        #expect(subject.store.write(key("a"), [1], fetchCost: 0).result != nil)
        #expect(subject.store.read(key("a"), token: token).result == .success([1]))
        #expect(subject.store.read(key("b"), token: token).result == .some(.success(nil)))
        #expect(subject.store.claim(key("b"), token: token).result == .success(.impossible))
    }

    @Test(arguments: StoreKind.allCases) func manyThreadsReadRightBytesOrNone(_ kind: StoreKind) throws {
        let subject = try Subject(kind)
        defer { subject.close() }
        let store = subject.store
        let (right, wrong) = (Counter(), Counter())
        let threads = try (0..<4).map { thread in
            try NamedThread("reader-\(thread)") {
                var random = SplitMix(UInt64(thread))
                for _ in 0..<200 {
                    let key = key("7/image/1", Int.random(in: 0..<20, using: &random))
                    let bytes = content(key, 200 + key.index)
                    var found = store.read(key)
                    if case .block(let block) = store.readNow(key) { found = block }
                    guard let found else {
                        store.write(key, bytes, fetchCost: 0)
                        continue
                    }
                    (found == bytes ? right : wrong).add()
                }
            }
        }
        for thread in threads { thread.join() }
        #expect(wrong.value == 0)
        #expect(right.value > 0)
    }
}
