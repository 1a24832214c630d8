import Glibc
import Support

/// A window of an image plane and of its label, read from the files of a mount.
struct PlanePreview {
    /// An RGB picture, three bytes a pixel, row by row.
    struct Pixels {
        var rgb: [UInt8]
        var width: Int
        var height: Int
    }

    /// Index of the plane.
    let plane: Int
    private let width: Int
    private let height: Int
    private let grey: [UInt8]
    private let labels: [UInt8]

    /// Pixels of the window with a label.
    var labelled: Int { labels.count { $0 != 0 } }

    /// Reads a window of at most `size` px around the soma, or around the middle of a cell without a skeleton.
    init(folder: String, plane: Int?, size: Int) throws(Failure) {
        let meta: JSONValue
        do {
            meta = try JSONValue.parse(try readRegularFile("\(folder)/meta.json", limit: Self.mostBytes))
        } catch {
            throw Failure(sentence: "\(folder) is no specimen of a mount: meta.json: \(error)", code: 2)
        }
        guard let shape = meta["stack"]?["shape"]?.arrayValue?.compactMap(\.intValue), shape.count == 3,
            let spacing = meta["stack"]?["voxel_spacing_um"]?.arrayValue?.compactMap(\.doubleValue), spacing.count == 3,
            let offset = meta["stack"]?["offset_in_full_frame_px"]?.arrayValue?.compactMap(\.intValue),
            offset.count == 2, shape.allSatisfy({ (1...Self.maximumSide).contains($0) })
        else { throw Failure(sentence: "\(folder) has no image stack", code: 2) }
        let soma = Self.firstNode("\(folder)/skeleton.swc")
        if let plane, !(0..<shape[0]).contains(plane) {
            throw Failure(sentence: "there is no plane \(plane): \(folder) has 0 to \(shape[0] - 1)", code: 2)
        }
        let index = plane ?? Self.voxel(soma?.z, spacing: spacing[0], offset: 0, count: shape[0])
        let centreX = Self.voxel(soma?.x, spacing: spacing[2], offset: offset[1], count: shape[2])
        let centreY = Self.voxel(soma?.y, spacing: spacing[1], offset: offset[0], count: shape[1])
        let columns = min(size, shape[2])
        let rows = min(size, shape[1])
        (width, height) = (columns, rows)
        let left = min(max(0, centreX - columns / 2), shape[2] - columns)
        let top = min(max(0, centreY - rows / 2), shape[1] - rows)
        let name = String(repeating: "0", count: max(0, 4 - String(index).count)) + "\(index).tif"
        self.plane = index
        func window(_ series: String) throws(Failure) -> [UInt8] {
            try Self.window(
                "\(folder)/\(series)/\(name)", width: shape[2], height: shape[1], left: left, top: top,
                columns: columns,
                rows: rows)
        }
        grey = try window("stack")
        labels = soma == nil ? Array(repeating: 0, count: width * height) : try window("labels")
    }

    /// Most bytes of `meta.json` and of a skeleton. The largest skeleton of the database has less than two million.
    private static let mostBytes = 64 << 20

    /// Most voxels of a side: more than any image has, and the product of three sides fits an Int.
    private static let maximumSide = 1 << 20

    /// The voxel of 0 ..< `count` nearest to `coordinate`, um, where voxel 0 is voxel `offset` of the frame. Without a usable
    /// coordinate it is the middle.
    private static func voxel(_ coordinate: Double?, spacing: Double, offset: Int, count: Int) -> Int {
        guard let coordinate, let voxel = Int(exactly: (coordinate / spacing - Double(offset)).rounded()) else {
            return count / 2
        }
        return min(max(voxel, 0), count - 1)
    }

    /// The image, and the image with the label over it, in one picture with a white line between.
    func sideBySide() -> Pixels {
        let gap = 4
        let total = 2 * width + gap
        var rgb = [UInt8](repeating: 255, count: total * height * 3)
        for y in 0..<height {
            for x in 0..<width {
                let value = grey[y * width + x]
                let left = (y * total + x) * 3
                let right = (y * total + width + gap + x) * 3
                let color = Self.color(labels[y * width + x])
                for channel in 0..<3 {
                    rgb[left + channel] = value
                    rgb[right + channel] =
                        color.map { UInt8((Int($0[channel]) * 3 + Int(value)) / 4) } ?? value
                }
            }
        }
        return Pixels(rgb: rgb, width: total, height: height)
    }

    /// Colours of the classes: soma yellow, axon red, basal blue, apical purple, unknown green.
    private static func color(_ label: UInt8) -> [UInt8]? {
        switch label {
        case 0: nil
        case 1: [255, 200, 0]
        case 2: [230, 40, 40]
        case 3: [40, 110, 255]
        case 4: [200, 50, 220]
        default: [40, 180, 90]
        }
    }

    /// The first node of a skeleton file, um; nil when there is none.
    private static func firstNode(_ path: String) -> (x: Double, y: Double, z: Double)? {
        do throws(RegularFileError) {
            let text = String(decoding: try readRegularFile(path, limit: mostBytes), as: UTF8.self)
            for line in text.split(whereSeparator: \.isNewline) where !line.hasPrefix("#") {
                let fields = line.split(separator: " ").compactMap { Double($0) }
                if fields.count >= 7 { return (fields[2], fields[3], fields[4]) }
            }
        } catch {
            return nil
        }
        return nil
    }

    /// A window of an uncompressed TIFF whose pixels are its last `width * height` bytes, as in every plane of a mount.
    private static func window(
        _ path: String, width: Int, height: Int, left: Int, top: Int, columns: Int, rows: Int
    ) throws(Failure) -> [UInt8] {
        do throws(Errno) {
            let descriptor = try openFile(path, flags: O_RDONLY)
            defer { close(descriptor) }
            var status = stat()
            guard unsafe fstat(descriptor, &status) == 0 else { throw Errno.current }
            let first = Int(status.st_size) - width * height
            var pixels = [UInt8](repeating: 0, count: columns * rows)
            for row in 0..<rows {
                let offset = first + (top + row) * width + left
                let count = unsafe pixels.withUnsafeMutableBytes { buffer in
                    unsafe pread(descriptor, buffer.baseAddress.map { unsafe $0 + row * columns }, columns, offset)
                }
                guard count == columns else { throw count < 0 ? Errno.current : Errno(rawValue: EIO) }
            }
            return pixels
        } catch {
            throw Failure(sentence: "cannot read \(path): \(error)")
        }
    }
}
