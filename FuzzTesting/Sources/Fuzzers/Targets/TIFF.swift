@testable import Layouts

/// This project's own layouts, with any parameters. Another reader can read each layout, and any part of a file equals
/// the same part of the whole. The input is the parameters.
@Sendable func fuzzTIFF(_ bytes: [UInt8]) {
    var choices = Choices(bytes)
    let isPlane = choices.bool()
    let spacing =
        choices.bool()
        ? ZYX(z: 0.28, y: 0.1144, x: 0.1144)
        : ZYX(z: choices.anyDouble(), y: choices.anyDouble(), x: choices.anyDouble())
    let description =
        choices.bool() ? String(decoding: (0..<choices.int(0...40)).map { _ in choices.byte() }, as: UTF8.self) : nil
    let wild = choices.byte() % 8 == 0
    let shape = (0..<3).map { axis in
        wild
            ? Int(truncatingIfNeeded: choices.word()) >> Int(choices.byte() % 64)
            : choices.int(1...[300, 400, 9][axis])
    }
    let bits = choices.element([8, 16, 8, 16, 1, 32])
    do throws(TIFFLayoutError) {
        if isPlane {
            let plane = try PlaneTIFF(
                width: shape[0], height: shape[1], bitsPerSample: bits, spacing: spacing, description: description)
            checkPlane(plane, description, &choices)
        } else {
            let volume = try VolumeTIFF(
                width: shape[0], height: shape[1], depth: shape[2], bitsPerSample: bits, spacing: spacing,
                description: description)
            checkVolume(volume, &choices)
        }
    } catch {
        let isSound = !wild && (bits <= 16 && bits >= 8) && spacing.z == 0.28 && description == nil
        require(!isSound, "a sound layout is accepted: \(error)")
    }
}

private func checkPlane(_ plane: PlaneTIFF, _ description: String?, _ choices: inout Choices) {
    require(plane.headerSize % 4096 == 0 && plane.fileSize <= Int(UInt32.max), "the pixels are aligned and in reach")
    let directories = TIFFReader(plane.header, fileSize: plane.fileSize).directories()
    require(directories.count == 1, "a plane has one directory")
    checkDirectory(
        directories[0], width: plane.width, height: plane.height, bits: plane.bitsPerSample, start: plane.headerSize,
        end: plane.fileSize)
    let text = description.map { $0.utf8.map { Int($0) } + [0] }
    require(directories[0][270] == text, "the description is kept")
    for _ in 0..<4 {
        let range = choices.range(upTo: 1 << 15)
        checkPieces(plane, in: range)
    }
}

private func checkVolume(_ volume: VolumeTIFF, _ choices: inout Choices) {
    require(volume.headerSize % 4096 == 0, "the voxels are aligned")
    let planeSize = volume.width * volume.height * (volume.bitsPerSample / 8)
    require(volume.fileSize == volume.headerSize + volume.depth * planeSize, "the file has all its voxels")
    for _ in 0..<4 {
        let range = choices.range(upTo: 1 << 15)
        checkPieces(volume, in: range)
    }
    guard volume.headerSize <= 1 << 17 else {
        // Any part of a header of gigabytes must cost only one directory.
        guard volume.height <= 1 << 12 else { return }
        let part = volume.headerSize - 5000..<volume.headerSize
        return require(volume.headerBytes(part).count == part.count, "the end of a long header is there")
    }
    let header = volume.headerBytes(0..<volume.headerSize)
    require(header.count == volume.headerSize, "the header is there")
    let directories = TIFFReader(header, fileSize: volume.fileSize).directories()
    require(directories.count == volume.depth, "a plane has a directory")
    for (index, directory) in directories.enumerated() {
        let start = volume.headerSize + index * planeSize
        checkDirectory(
            directory, width: volume.width, height: volume.height, bits: volume.bitsPerSample, start: start,
            end: start + planeSize)
    }
    for _ in 0..<8 {
        let range = choices.range(upTo: volume.headerSize)
        require(volume.headerBytes(range) == Array(header[range]), "a part of the header is as in the whole: \(range)")
    }
}

/// Fields of one uncompressed page whose pixels lie in `start..<end`.
private func checkDirectory(_ fields: TIFFReader.Fields, width: Int, height: Int, bits: Int, start: Int, end: Int) {
    require(fields[256] == [width] && fields[257] == [height] && fields[258] == [bits], "the shape is kept")
    require(fields[259] == [1] && fields[262] == [1] && fields[277] == [1], "grey and uncompressed")
    guard let offsets = fields[273], let sizes = fields[279], let rows = fields[278]?.first else {
        return require(false, "strips are stated")
    }
    require(offsets.count == sizes.count && offsets.count == (height + rows - 1) / rows, "every strip is stated")
    var position = start
    for (offset, size) in zip(offsets, sizes) {
        require(offset == position && size > 0, "strips follow each other")
        position += size
    }
    require(position == end && end - start == width * height * bits / 8, "the strips are the pixels")
    for tag in [282, 283] {
        require(fields[tag].map { $0.count == 2 && $0[0] > 0 && $0[1] > 0 } ?? false, "a resolution")
    }
}

/// The header and the pieces of a range are as long as the range, and follow each other.
private func checkPieces(_ layout: some ArrayLayout, in range: Range<Int>) {
    let wanted = range.clamped(to: 0..<layout.fileSize)
    var position = wanted.lowerBound + layout.headerBytes(range).count
    layout.forEachPiece(in: range) { piece in
        let start = layout.headerSize + piece.plane * layout.planeSize + piece.bytes.lowerBound
        require(start == position && piece.bytes.upperBound <= layout.planeSize, "a piece follows the one before it")
        position += piece.bytes.count
    }
    require(position == wanted.upperBound, "the pieces reach the end of the range: \(range)")
}
