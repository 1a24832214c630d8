import Glibc
import Support
import Testing

@Suite struct RegularFileTests {
    private let path = "/tmp/neuronfs-regular-file-\(getpid())-\(UInt64.random(in: 0...UInt64.max))"

    @Test func aFileUpToTheLimitIsReadWhole() throws {
        defer { unlink(path) }
        let bytes = (0..<200_000).map { UInt8(truncatingIfNeeded: $0 * 7) }
        try writeFileAtomically(bytes, to: path)
        #expect(try readRegularFile(path, limit: bytes.count) == bytes)
        #expect(throws: RegularFileError.self) { try readRegularFile(path, limit: bytes.count - 1) }
    }

    /// A read of the pipe would wait for a writer, and the device has no end.
    @Test func aPipeAndADeviceAreRefusedUnread() throws {
        defer { unlink(path) }
        try #require(mkfifo(path, 0o600) == 0)
        for place in [path, "/dev/zero", "/tmp"] {
            do throws(RegularFileError) {
                _ = try readRegularFile(place, limit: 1000)
                Issue.record("\(place) was read")
            } catch {
                guard case .notRegular = error else {
                    Issue.record("\(place): \(error)")
                    continue
                }
            }
        }
    }

    @Test func aFileThatIsNotThereIsToldAsSuch() {
        do throws(RegularFileError) {
            _ = try readRegularFile(path, limit: 1000)
            Issue.record("it was read")
        } catch {
            #expect(error.description == "No such file or directory")
        }
    }
}
