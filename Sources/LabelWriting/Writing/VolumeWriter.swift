import Layouts
import Morphology

/// Copies the voxels of a label source into files, in bands of rows: memory does not depend on the size of the volume, and
/// bands of background stay holes in the file.
struct VolumeWriter {
    /// Bytes of a band, unless one row is longer.
    private static let bandBytes = 1 << 17

    private let source: any LabelSource
    private let rowBytes: Int
    private let bandRows: Int
    private var band: [UInt8]

    init(_ source: any LabelSource) {
        self.source = source
        rowBytes = source.grid.width * source.bytesPerVoxel
        bandRows = min(source.grid.height, max(1, Self.bandBytes / rowBytes))
        band = [UInt8](repeating: 0, count: bandRows * rowBytes)
    }

    /// One BigTIFF with the layout of `VolumeTIFF`.
    mutating func writeVolume(
        _ layout: VolumeTIFF, to path: String, progress: inout ProgressCounter
    ) throws(LabelWritingError) {
        var output = try TemporaryFile(for: path)
        try output.file.setSize(layout.fileSize)
        // Only a part of the header at a time: that of a million planes would not fit in memory.
        let piece = 1 << 20
        for start in stride(from: 0, to: layout.headerSize, by: piece) {
            try output.file.write(layout.headerBytes(start..<start + piece), at: start)
        }
        try writePlanes(to: output.file, at: layout.headerSize, progress: &progress)
        try output.commit()
    }

    /// One NumPy array.
    mutating func writeArray(to path: String, progress: inout ProgressCounter) throws(LabelWritingError) {
        let grid = source.grid
        let layout: NumPyArray
        do throws(NumPyLayoutError) {
            layout = try NumPyArray(
                shape: ZYX(z: grid.depth, y: grid.height, x: grid.width),
                element: source.bytesPerVoxel == 2 ? .uint16 : .uint8)
        } catch {
            throw .request("the volume is larger than a file can be: choose a smaller --shape, or .zarr", cause: error)
        }
        var output = try TemporaryFile(for: path)
        try output.file.setSize(layout.fileSize)
        try output.file.write(layout.headerBytes(0..<layout.headerSize), at: 0)
        try writePlanes(to: output.file, at: layout.headerSize, progress: &progress)
        try output.commit()
    }

    /// A directory of one classic TIFF a plane.
    mutating func writePlaneFiles(
        _ layout: PlaneTIFF, to path: String, progress: inout ProgressCounter
    ) throws(LabelWritingError) {
        var folder = try TemporaryFolder(for: path)
        let digits = max(4, String(source.grid.depth - 1).count)
        for plane in 0..<source.grid.depth {
            let number = String(plane)
            var file = try folder.makeFile(
                String(repeating: "0", count: digits - number.count) + number + ".tif")
            try file.setSize(layout.fileSize)
            try file.write(layout.header, at: 0)
            try writePlane(plane, to: file, at: layout.headerSize)
            try file.finish()
            try progress.advance()
        }
        try folder.commit()
    }

    private mutating func writePlanes(
        to file: borrowing OutputFile, at offset: Int, progress: inout ProgressCounter
    ) throws(LabelWritingError) {
        for plane in 0..<source.grid.depth {
            try writePlane(plane, to: file, at: offset + plane * source.planeBytes)
            try progress.advance()
        }
    }

    private mutating func writePlane(
        _ plane: Int, to file: borrowing OutputFile, at offset: Int
    ) throws(LabelWritingError) {
        let (width, height) = (source.grid.width, source.grid.height)
        for first in stride(from: 0, to: height, by: bandRows) {
            let rows = first..<min(first + bandRows, height)
            if source.isEmpty(planes: plane..<(plane + 1), x: 0..<width, y: rows) { continue }
            let bytes = rows.lowerBound * rowBytes..<rows.upperBound * rowBytes
            let source = source
            unsafe band.withUnsafeMutableBytes { buffer in
                unsafe source.paint(plane: plane, bytes: bytes, into: buffer)
            }
            let painted = bytes.count == band.count ? band : Array(band[..<bytes.count])
            try file.write(painted, at: offset + bytes.lowerBound)
        }
    }
}
