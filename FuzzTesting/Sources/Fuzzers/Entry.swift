import Glibc

/// One fuzzer: the code that runs on every input of libFuzzer.
///
/// A fuzzer ends the process on a finding, by `require` or by a trap in the code under test. An error that the code
/// under test throws is no finding.
struct Fuzzer: Sendable {
    let name: String
    let run: @Sendable ([UInt8]) -> Void

    static let all = [
        Fuzzer(name: "swc", run: fuzzSWC),
        Fuzzer(name: "marker", run: fuzzMarkers),
        Fuzzer(name: "json", run: fuzzJSON),
        Fuzzer(name: "rma", run: fuzzRMA),
        Fuzzer(name: "jpeg", run: fuzzJPEG),
        Fuzzer(name: "tiff", run: fuzzTIFF),
        Fuzzer(name: "tiff-intake", run: fuzzTIFFIntake),
        Fuzzer(name: "block", run: fuzzBlockHeader),
        Fuzzer(name: "http", run: fuzzHTTP),
        Fuzzer(name: "config", run: fuzzConfiguration),
        Fuzzer(name: "planted-trap", run: trapAtPlantedWord),
        Fuzzer(name: "planted-overflow", run: overflowByOne),
        Fuzzer(name: "planted-leak", run: loseMemory),
    ]

    /// The fuzzer that the environment variable `NEURONFS_FUZZER` names. The process ends with status 2 if there is
    /// none.
    static let selected: Fuzzer = {
        let name = getenv("NEURONFS_FUZZER").map { String(cString: $0) } ?? ""
        if let fuzzer = all.first(where: { $0.name == name }) { return fuzzer }
        let complaint = "NEURONFS_FUZZER must be one of \(all.map(\.name).joined(separator: " ")), not \"\(name)\"\n"
        complaint.withCString { _ = write(STDERR_FILENO, $0, strlen($0)) }
        exit(2)
    }()
}

/// libFuzzer calls this with every input.
@_cdecl("LLVMFuzzerTestOneInput")
public func testOneInput(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    Fuzzer.selected.run(Array(UnsafeBufferPointer(start: start, count: count)))
    return 0
}

/// Ends the process unless `condition` holds. libFuzzer reports that as a crash with its input.
func require(_ condition: Bool, _ claim: @autoclosure () -> String) {
    if !condition { fatalError("does not hold: \(claim())") }
}
