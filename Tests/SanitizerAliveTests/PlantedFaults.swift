import Glibc
import Testing

/// Faults that a sanitizer must find. A run with a sanitizer that is silently switched off looks like a clean one:
/// `scripts/sanitized-test` commits each of these in its own process and fails when the process does not.
///
/// Without `NEURONFS_PLANTED_FAULT`, which names the fault, nothing here runs.
@Suite struct PlantedFaults {
    private static let planted = getenv("NEURONFS_PLANTED_FAULT").map { String(cString: $0) }

    /// Two threads add to one number without a lock; the number does not matter.
    @Test(.enabled(if: planted == "race"))
    func race() {
        let number = UnsafeMutablePointer<Int>.allocate(capacity: 1)
        number.initialize(to: 0)
        var threads = [pthread_t(), pthread_t()]
        for index in threads.indices {
            let created = pthread_create(
                &threads[index], nil,
                { argument in
                    guard let number = argument?.assumingMemoryBound(to: Int.self) else { return nil }
                    for _ in 0..<10_000 { number.pointee &+= 1 }
                    return nil
                }, number)
            #expect(created == 0)
        }
        for thread in threads { pthread_join(thread, nil) }
        number.deallocate()
    }

    /// Reads memory that has been given back.
    @Test(.enabled(if: planted == "use-after-free"))
    func useAfterFree() {
        let bytes = UnsafeMutablePointer<UInt8>.allocate(capacity: 64)
        bytes.initialize(repeating: 1, count: 64)
        bytes.deallocate()
        #expect(bytes[getpid() > 0 ? 7 : 0] < 255)
    }

    /// Loses memory. Several pieces, because one address may stay in a register.
    @Test(.enabled(if: planted == "leak"))
    func leak() {
        var sum = 0
        for index in 0..<16 {
            let bytes = UnsafeMutablePointer<UInt8>.allocate(capacity: 4096)
            bytes.initialize(repeating: UInt8(index), count: 4096)
            sum += Int(bytes[index])
        }
        #expect(sum == 120)
    }
}
