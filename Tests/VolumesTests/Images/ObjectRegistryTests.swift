import Specimens
import Support
import TestTools
import Testing

@testable import Volumes

@Suite struct ObjectRegistryTests {
    @Test func anObjectThatWasLookedForBeforeItWasKnownIsFoundWhenItsRecordHasLeftMemory() throws {
        let bench = try RegistryBench(capacity: 4)
        defer { bench.close() }
        #expect(bench.load(1) == nil)
        bench.learn(1, "a")
        // Fewer than the capacity: what is noted as absent stays.
        bench.pushOut()
        #expect(bench.registry.cached(RegistryBench.id(1)) == nil)
        #expect(bench.load(1)?.validator == "a")
    }

    @Test func anOpenHandleKeepsTheValidatorByWhichItsBlocksAreFoundWhenTheRecordHasLeftMemory() throws {
        let bench = try RegistryBench(capacity: 4)
        defer { bench.close() }
        let unknown = bench.version(1)
        bench.learn(1, "a")
        #expect(bench.planes.isCurrent(unknown))
        let known = bench.version(1)
        bench.pushOut()
        #expect(bench.registry.cached(RegistryBench.id(1)) == nil)
        for version in [unknown, known] {
            #expect(bench.planes.isCurrent(version))
            #expect(bench.planes.request(version, 0).expected == "a")
        }
    }

    @Test(arguments: [(0.0, 0), (3600, 0), (2 * 86_400, 1), (-3600, 1), (-86_400 * 365, 1)] as [(Double, Int)])
    func whatWasCheckedWhileTheClockWasAheadIsAskedAgain(age: Double, requests: Int) throws {
        let source = ScriptedSource()
        let bench = try RegistryBench(capacity: 4, source: source)
        defer { bench.close() }
        let object = SourceObject(id: .file(1, of: 1))
        let record = ObjectRecord(id: object.id, length: 5, checkedAt: wallClockSeconds() - age)
        bench.registry.revalidateIfStale(object, record)
        #expect(source.statCount == requests)
    }

    @Test func aChangeIsKnownBeforeTheNewVersionIsAndForGood() throws {
        let bench = try RegistryBench(capacity: 4)
        defer { bench.close() }
        let id = RegistryBench.id(1)
        let seen = Monitor<[Int]>([])
        bench.registry.onChange { records in seen.withLock { $0 += records.map(\.number) } }
        bench.learn(1, "a")
        let first = try #require(bench.registry.cached(id)?.number)
        let opened = bench.registry.moment
        #expect(!bench.registry.hasChanged(id))
        bench.learn(1, "b")
        bench.learn(1, "b")
        #expect(bench.registry.hasChanged(id, since: opened))
        #expect(!bench.registry.hasChanged(id, since: bench.registry.moment))
        bench.pushOut()
        #expect(bench.registry.cached(id)?.number == first + 1)
        #expect(bench.registry.hasChanged(id))
        #expect(!bench.registry.hasChanged(RegistryBench.id(1000)))
        #expect(seen.withLock { $0 } == [first + 1])
    }

    @Test func aHandleOpenedBeforeItsImageWasKnownIsFixedOnTheFirstVersionNeverOnALaterOne() throws {
        let bench = try RegistryBench(capacity: 4)
        defer { bench.close() }
        let reader = bench.version(1)
        // Reads nothing until the image has changed: what it got from the kernel may be of the first version.
        let idle = bench.version(1)
        bench.learn(1, "a")
        #expect(bench.planes.isCurrent(reader))
        bench.learn(1, "b")
        #expect(!bench.planes.isCurrent(reader))
        #expect(!bench.planes.isCurrent(idle))
        bench.pushOut()
        #expect(!bench.planes.isCurrent(reader))
        #expect(!bench.planes.isCurrent(idle))
        #expect(bench.planes.isCurrent(bench.version(1)))
    }
}
