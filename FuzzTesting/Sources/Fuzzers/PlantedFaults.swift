/// Faults that every working fuzzer must find; `FuzzTesting/run --alive` runs these.
///
/// Coverage finds the word one byte after the other; by chance alone it would take 2^40 inputs. So this fault shows
/// whether Swift code is instrumented for coverage, which depends on the compiler flags. Each byte has its own branch,
/// because of a loop libFuzzer sees only roughly how often it ran.
@Sendable func trapAtPlantedWord(_ bytes: [UInt8]) {
    guard bytes.count > 4 else { return }
    if bytes[0] == UInt8(ascii: "S") {
        if bytes[1] == UInt8(ascii: "P") {
            if bytes[2] == UInt8(ascii: "I") {
                if bytes[3] == UInt8(ascii: "N") {
                    if bytes[4] == UInt8(ascii: "E") { require(false, "this fault is planted") }
                }
            }
        }
    }
}

/// Reads the byte behind a buffer, which AddressSanitizer must report.
@Sendable func overflowByOne(_ bytes: [UInt8]) {
    let buffer = UnsafeMutablePointer<UInt8>.allocate(capacity: 16)
    buffer.initialize(repeating: 0, count: 16)
    let behind = bytes.isEmpty ? 15 : 16
    require(buffer[behind] < 255 || bytes.count < 3, "the byte is read")
    buffer.deallocate()
}

/// Loses its allocated memory, which LeakSanitizer must report.
@Sendable func loseMemory(_ bytes: [UInt8]) {
    let lost = UnsafeMutablePointer<UInt8>.allocate(capacity: bytes.count + 16)
    lost.initialize(repeating: 1, count: bytes.count + 16)
    require(lost[bytes.count] == 1, "the memory is used")
}
