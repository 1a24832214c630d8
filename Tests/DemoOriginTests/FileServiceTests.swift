import Testing

@testable import DemoOrigin

@Suite struct FileServiceTests {
    private static let skeleton = "/api/v2/well_known_file_download/1000001016"
    private static let recording = "/api/v2/well_known_file_download/1000001010"

    @Test func aFileComesWithLengthValidatorsAndItsName() throws {
        let reply = TestWorld.get(Self.skeleton)
        #expect(reply.status == 200)
        #expect(reply.header("accept-ranges") == "bytes")
        #expect(try #require(reply.header("etag")).hasPrefix("\"" + String(reply.bytes.count, radix: 16) + "-"))
        #expect(reply.header("last-modified")?.hasSuffix(" GMT") == true)
        #expect(
            reply.header("content-disposition")
                == "attachment; filename=\"Rorb-IRES2-Cre_Ai14-1001.03.02.01_1000001014_m.swc\"")
        let head = TestWorld.get(Self.skeleton, method: "HEAD")
        guard case .lengthOnly(reply.bytes.count) = head.body else {
            Issue.record("HEAD states another length than GET has")
            return
        }
        #expect(head.header("etag") == reply.header("etag"))
    }

    @Test(arguments: [0..<1, 0..<16, 5..<300, 47..<49, 100_003..<100_500])
    func aRangeIsThatPartOfTheWhole(range: Range<Int>) {
        for path in [Self.skeleton, Self.recording] {
            let whole = TestWorld.get(path).bytes
            let header = ["range": "bytes=\(range.lowerBound)-\(range.upperBound - 1)"]
            let part = TestWorld.get(path, headers: header)
            #expect(part.status == 206)
            #expect(part.bytes == Array(whole[range]))
            #expect(
                part.header("content-range")
                    == "bytes \(range.lowerBound)-\(range.upperBound - 1)/\(whole.count)")
        }
    }

    @Test func aRangeIsHonouredOnlyWhileTheValidatorIsCurrent() throws {
        let whole = TestWorld.get(Self.skeleton)
        let tag = try #require(whole.header("etag"))
        let date = try #require(whole.header("last-modified"))
        for current in [tag, date] {
            let reply = TestWorld.get(Self.skeleton, headers: ["range": "bytes=0-9", "if-range": current])
            #expect(reply.status == 206)
        }
        let stale = TestWorld.get(Self.skeleton, headers: ["range": "bytes=0-9", "if-range": "\"0-0\""])
        #expect(stale.status == 200)
        #expect(stale.bytes == whole.bytes)
        #expect(TestWorld.get(Self.skeleton, headers: ["if-none-match": tag]).status == 304)
        let beyond = TestWorld.get(Self.skeleton, headers: ["range": "bytes=99999999-"])
        #expect(beyond.status == 416)
        #expect(beyond.header("content-range") == "bytes */\(whole.bytes.count)")
    }

    @Test func anUnknownFileIsAnHTMLPageOfStatus500() {
        for id in ["1", "nonsense"] {
            let reply = TestWorld.get("/api/v2/well_known_file_download/\(id)")
            #expect(reply.status == 500)
            #expect(reply.header("content-type")?.hasPrefix("text/html") == true)
            let text = String(decoding: reply.bytes, as: UTF8.self)
            #expect(text.contains("<title>We're sorry, but something went wrong (500)</title>"))
        }
        #expect(TestWorld.get("/nowhere").status == 404)
        #expect(TestWorld.get(Self.skeleton, method: "POST").status == 405)
    }

    /// What stands in it is read by h5py and AllenSDK in Tests/MountTests/test_allensdk_client.py.
    @Test func aRecordingBeginsAsAnHDF5FileAndHasTheSizeOfOne() {
        let bytes = TestWorld.get(Self.recording).bytes
        #expect(bytes.prefix(8) == [0x89, 0x48, 0x44, 0x46, 0x0D, 0x0A, 0x1A, 0x0A])
        #expect((1_000_000...1_500_000).contains(bytes.count))
    }

    @Test(arguments: [900_000_101, 900_000_140, 900_000_203])
    func anyRangeOfARecordingIsThatPartOfTheWhole(specimen: Int) {
        let recording = Recording(TestWorld.cell(specimen))
        let whole = recording.bytes(0..<recording.size)
        #expect(whole.count == recording.size)
        var random = Random(seed: specimen)
        for _ in 0..<60 {
            let first = random.whole(0...recording.size - 1)
            let range = first..<min(recording.size, first + random.whole(1...3000))
            #expect(recording.bytes(range) == Array(whole[range]))
        }
        // A read from the wrong place is noticed only when no two parts of the file are equal.
        let stretches = stride(from: 65_536, to: whole.count - 64, by: 64).map { Array(whole[$0..<$0 + 64]) }
        #expect(Set(stretches).count == stretches.count)
    }

    /// Published examples of lookup3.c: `hashlittle` of these texts with initial value 0.
    @Test func theChecksumOfHDF5Metadata() {
        #expect(HDF5Checksum.lookup3([]) == 0xDEAD_BEEF)
        #expect(HDF5Checksum.lookup3(Array("Four score and seven years ago".utf8)) == 0x1777_0551)
    }

    @Test func markersLieOneVoxelBeyondNodesOfTheSkeleton() throws {
        let cell = TestWorld.cell(900_000_101)
        let skeleton = try TestWorld.world.skeleton(cell)
        let bytes = try #require(try TestWorld.world.markerBytes(cell))
        let lines = String(decoding: bytes, as: UTF8.self).split(separator: "\n")
        #expect(lines.first == "##x,y,z,radius,shape,name,comment, color_r,color_g,color_b")
        for line in lines.dropFirst() {
            let fields = line.split(separator: ",").map { $0.filter { $0 != " " } }
            guard fields.count > 5, fields[5] != "30" else { continue }
            let place = fields.prefix(3).compactMap(Double.init)
            let match = skeleton.nodes.contains { node in
                abs(Double(node.x) + 0.1144 - place[0]) < 2e-4 && abs(Double(node.y) + 0.1144 - place[1]) < 2e-4
                    && abs(Double(node.z) + 0.28 - place[2]) < 2e-4
            }
            #expect(match, "\(line)")
        }
        #expect(lines.contains { $0.contains(" 30,") })
    }
}
