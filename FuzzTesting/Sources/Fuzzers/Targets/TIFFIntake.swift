import Logging

@testable import FolderSource
@testable import Specimens
@testable import Support

/// A TIFF of a folder. The input is the file. What is read of a page does not depend on the rectangle that asks for it.
@Sendable func fuzzTIFFIntake(_ bytes: [UInt8]) {
    var choices = Choices(hashing: bytes)
    guard let file = opened(bytes) else { return }
    require(!file.pages.isEmpty && file.pages.count <= 10_000, "a file has pages, and not too many")
    for distance in [file.spacing.x, file.spacing.y, file.spacing.z] {
        require(distance.map { $0.isFinite && $0 > 0 } ?? true, "a distance is above 0")
    }
    for (number, page) in file.pages.enumerated().prefix(4) {
        require(page.width > 0 && page.height > 0 && [8, 16].contains(page.bitsPerSample), "a page has a size")
        let x = choices.range(upTo: min(page.width, 100))
        let y = choices.range(upTo: min(page.height, 100))
        let frame = SourceObject.Frame(x: x.lowerBound, y: y.lowerBound, width: x.count, height: y.count)
        guard !x.isEmpty, !y.isEmpty, isSmall(page, frame) else { continue }
        guard let pixels = read(file, number, frame) else { continue }
        let sample = page.bitsPerSample / 8
        require(pixels.count == x.count * y.count * sample, "every pixel is there")
        let (column, row) = (choices.int(0...x.count - 1), choices.int(0...y.count - 1))
        let pixel = read(
            file, number,
            SourceObject.Frame(x: frame.x + column, y: frame.y + row, width: 1, height: 1))
        let place = (row * x.count + column) * sample
        require(pixel == Array(pixels[place..<place + sample]), "a pixel is the same in every rectangle")
        require(opened(bytes).flatMap { read($0, number, frame) } == pixels, "reading is repeatable")
    }
}

/// libFuzzer's limit of memory is below the largest patch.
private func isSmall(_ page: TIFFPage, _ frame: SourceObject.Frame) -> Bool {
    do throws(TIFFFault) {
        return try page.grid.patches(touching: frame).reduce(0) { $0 + $1.size } <= 16 << 20
    } catch {
        return false
    }
}

/// A file in memory.
private struct MemoryBytes: ByteSource {
    let bytes: [UInt8]

    var length: Int { bytes.count }

    func read(_ range: Range<Int>, token: CancellationToken) -> Promise<[UInt8], SourceError> {
        require(range.lowerBound >= 0 && range.upperBound <= bytes.count, "\(range) is in the file")
        return Promise(.success(Array(bytes[range])))
    }
}

/// One thread decodes all inputs; it is never ended.
private let decoding: TIFFDecoding? = {
    do throws(ThreadError) {
        let pool = try WorkerPool(name: "decode", count: 1)
        return TIFFDecoding(
            pool: pool, memory: 1 << 20, logger: Logger(label: "fuzz", factory: { _ in SwiftLogNoOpLogHandler() }))
    } catch {
        require(false, "a thread can be started: \(error)")
        return nil
    }
}()

private func opened(_ bytes: [UInt8]) -> TIFFFile? {
    guard let decoding else { return nil }
    return value(TIFFFile.open(MemoryBytes(bytes: bytes), decoding: decoding, token: CancellationToken()))
}

private func read(_ file: TIFFFile, _ page: Int, _ frame: SourceObject.Frame) -> [UInt8]? {
    value(file.read(page: page, frame: frame, token: CancellationToken()))
}

/// The value of a promise; nil for a fault, which has a reason.
private func value<Value>(_ promise: Promise<Value, TIFFError>) -> Value? {
    switch promise.wait() {
    case .success(let value): return value
    case .failure(.fault(let fault)):
        require(!fault.reason.isEmpty, "a refusal has a reason")
        return nil
    case .failure(.source(let error)):
        require(false, "memory never fails: \(error)")
        return nil
    }
}
