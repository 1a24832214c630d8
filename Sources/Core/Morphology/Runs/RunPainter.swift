import Glibc

extension RunIndex {
    /// See `LabelSource`: one memset, then the runs of the touched rows.
    public func paint(plane: Int, bytes: Range<Int>, into buffer: UnsafeMutableRawBufferPointer) {
        let rowBytes = grid.width * bytesPerVoxel
        precondition(
            bytes.lowerBound >= 0 && bytes.upperBound <= rowBytes * grid.height && buffer.count >= bytes.count,
            "bytes \(bytes) of a plane of \(rowBytes * grid.height) into \(buffer.count)")
        guard !bytes.isEmpty, let base = buffer.baseAddress else { return }
        unsafe memset(base, 0, bytes.count)
        let lower = bytes.lowerBound
        let upper = bytes.upperBound
        let lastRow = (upper - 1) / rowBytes
        let wide = bytesPerVoxel == 2
        unsafe withWords(plane: plane, fromRow: lower / rowBytes) { words in
            for index in 0..<words.count {
                let word = unsafe words[index]
                let row = PackedRun.row(word)
                if row > lastRow { break }
                let rowStart = row * rowBytes
                if wide {
                    let start = max(rowStart + 2 * PackedRun.first(word), lower)
                    let end = min(rowStart + 2 * PackedRun.last(word) + 2, upper)
                    unsafe Self.fill(base - lower, start, end, PackedRun.value(word))
                } else {
                    let start = max(rowStart + PackedRun.first(word), lower)
                    let end = min(rowStart + PackedRun.last(word) + 1, upper)
                    if end > start {
                        unsafe memset(base + (start - lower), Int32(PackedRun.value(word)), end - start)
                    }
                }
            }
        }
    }

    /// See `LabelSource`: one memset for each row, or one in all without padding, then the runs inside.
    public func paintWindow(
        plane: Int, x: Range<Int>, y: Range<Int>, into buffer: UnsafeMutableRawBufferPointer, rowStride: Int
    ) {
        guard !x.isEmpty, !y.isEmpty, let base = buffer.baseAddress else { return }
        let rowBytes = x.count * bytesPerVoxel
        precondition(
            rowStride >= rowBytes && buffer.count >= (y.count - 1) * rowStride + rowBytes,
            "\(x.count) x \(y.count) voxels at stride \(rowStride) into \(buffer.count) bytes")
        unsafe Self.clear(base, rows: y.count, rowBytes: rowBytes, rowStride: rowStride)
        let left = x.lowerBound
        let right = x.upperBound
        let wide = bytesPerVoxel == 2
        unsafe withWords(plane: plane, fromRow: y.lowerBound) { words in
            for index in 0..<words.count {
                let word = unsafe words[index]
                let row = PackedRun.row(word)
                if row >= y.upperBound { break }
                let first = max(PackedRun.first(word), left)
                let end = min(PackedRun.last(word) + 1, right)
                guard end > first else { continue }
                let start = unsafe base + (row - y.lowerBound) * rowStride
                if wide {
                    unsafe Self.fill(start, 2 * (first - left), 2 * (end - left), PackedRun.value(word))
                } else {
                    unsafe memset(start + (first - left), Int32(PackedRun.value(word)), end - first)
                }
            }
        }
    }

    /// Zeroes the rows of a window.
    static func clear(_ base: UnsafeMutableRawPointer, rows: Int, rowBytes: Int, rowStride: Int) {
        if rowStride == rowBytes {
            unsafe memset(base, 0, rows * rowBytes)
        } else {
            for row in 0..<rows { unsafe memset(base + row * rowStride, 0, rowBytes) }
        }
    }

    /// Writes a little-endian 16-bit value over the bytes `start..<end` after `base`. Even offsets hold low bytes. A
    /// byte range may begin or end inside a voxel.
    @inline(__always) private static func fill(
        _ base: UnsafeMutableRawPointer, _ start: Int, _ end: Int, _ value: UInt16
    ) {
        guard end > start else { return }
        let low = UInt8(truncatingIfNeeded: value)
        let high = UInt8(truncatingIfNeeded: value >> 8)
        var offset = start
        if offset & 1 == 1 {
            unsafe base.storeBytes(of: high, toByteOffset: offset, as: UInt8.self)
            offset += 1
        }
        while offset + 1 < end {
            unsafe base.storeBytes(of: value.littleEndian, toByteOffset: offset, as: UInt16.self)
            offset += 2
        }
        if offset < end { unsafe base.storeBytes(of: low, toByteOffset: offset, as: UInt8.self) }
    }
}
