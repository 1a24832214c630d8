import Specimens
import Support

/// What the first page of a file says of all: the spacing, and what the pages are.
struct TIFFDescription: Sendable {
    /// The sizes of the axes besides y and x, as the description names them.
    struct Axes: Equatable, Sendable {
        var channels = 1
        var planes = 1
        var times = 1
    }

    let spacing: TIFFSpacing
    let axes: Axes
    /// The images that ImageJ counts; 1 where it counts none.
    let imageCount: Int

    /// The most bytes of a description that are read. What is read of OME-XML stands near its start.
    private static let longestText = 1 << 20

    /// Reads the description of a directory.
    static func read(
        _ directory: TIFFDirectory, of source: any ByteSource, token: CancellationToken
    ) -> Promise<TIFFDescription, TIFFError> {
        let fields = [
            (directory[.description], longestText), (directory[.xResolution], 8), (directory[.yResolution], 8),
        ]
        return Promise.all(
            fields.map { field, limit in
                field?.bytes(limit: limit, of: source, token: token) ?? Promise(.success([]))
            }
        ).flatMap { parts in
            do throws(TIFFFault) {
                let resolution = TIFFResolution(
                    x: parts[1], y: parts[2], unit: try directory.number(.resolutionUnit, absent: 2), directory.header)
                return Promise(.success(TIFFDescription(text: parts[0], resolution)))
            } catch {
                return Promise(.failure(.fault(error)))
            }
        }
    }

    /// - Parameters:
    ///   - text: the bytes of ImageDescription, up to the first NUL.
    ///   - resolution: that of the page's tags.
    init(text: [UInt8], _ resolution: TIFFResolution) {
        let text = text.prefix { $0 != 0 }
        let plain = resolution.spacing
        if text.starts(with: "ImageJ=".utf8) {
            let imageJ = ImageJText(String(decoding: text, as: UTF8.self))
            let unit = imageJ.unit
            // Without a unit of length, the tags may still be in inches or centimetres.
            spacing = TIFFSpacing(
                x: unit.flatMap { resolution.distance(\.x, unit: $0) } ?? plain.x,
                y: unit.flatMap { resolution.distance(\.y, unit: $0) } ?? plain.y,
                z: unit.flatMap { unit in imageJ.zSpacing.map { $0 * unit } })
            axes = imageJ.axes
            imageCount = imageJ.imageCount
        } else if let pixels = OMEPixels(text) {
            spacing = TIFFSpacing(
                x: pixels.distance("X") ?? plain.x, y: pixels.distance("Y") ?? plain.y, z: pixels.distance("Z"))
            axes = pixels.axes
            imageCount = 1
        } else {
            spacing = plain
            axes = Axes()
            imageCount = 1
        }
    }

    /// The planes of a file that has `pages`.
    ///
    /// ImageJ writes one directory for a stack above 4 GB: its planes follow the first one. libtiff shows one page then.
    ///
    /// - Throws: ``TIFFFault`` where the pages are channels or time points as well as planes, because the order of a stack
    ///   would be wrong. One axis may have any name: many writers call planes channels, or time points.
    func planes(of pages: [TIFFPage], fileLength: Int) throws(TIFFFault) -> [TIFFPage] {
        let pages = pages.count == 1 ? followers(of: pages[0], fileLength: fileLength) : pages
        let sizes = [axes.channels, axes.planes, axes.times]
        guard sizes.filter({ $0 > 1 }).count < 2 || pages.count <= sizes.max() ?? 1 else {
            throw TIFFFault(
                "the pages are \(axes.channels) channels, \(axes.planes) planes and \(axes.times) time points;"
                    + " a stack has planes alone")
        }
        return pages
    }

    private func followers(of page: TIFFPage, fileLength: Int) -> [TIFFPage] {
        let size = page.width * page.height * page.bytesPerSample
        guard (2...TIFFDirectoryWalk.mostDirectories).contains(imageCount), page.compression == .none,
            page.grid.isOneStrip, let start = page.offsets.number(page.header), start <= fileLength,
            size <= (fileLength - start) / imageCount
        else { return [page] }
        return (0..<imageCount).map { index in
            var page = page
            page.displacement = index * size
            return page
        }
    }
}

/// The lines `name=value` that ImageJ writes, <https://imagej.net/ij/developer/source/ij/io/FileInfo.java.html>.
private struct ImageJText {
    private var values: [Substring: Substring] = [:]

    init(_ text: String) {
        for line in text.split(whereSeparator: \.isNewline).prefix(100) {
            guard let sign = line.firstIndex(of: "=") else { continue }
            values[line[..<sign]] = line[line.index(after: sign)...]
        }
    }

    /// The unit of length, um; nil for an image that is not calibrated.
    var unit: Double? { values["unit"].flatMap { TIFFUnit.micrometres(String($0)) } }
    /// In ``unit``.
    var zSpacing: Double? { values["spacing"].flatMap { Double($0) } }
    var imageCount: Int { count("images") }
    var axes: TIFFDescription.Axes {
        TIFFDescription.Axes(channels: count("channels"), planes: count("slices"), times: count("frames"))
    }

    private func count(_ name: Substring) -> Int { max(1, values[name].flatMap { Int($0) } ?? 1) }
}

/// The resolution tags of a page: px in a unit of length.
struct TIFFResolution {
    let x: Double?
    let y: Double?
    /// ResolutionUnit in um; nil where it is none.
    private let unit: Double?

    /// Resolutions that writers put by default: 1 because the tag is required, the others because a screen or a printer
    /// has them. They say nothing about the specimen.
    private static let defaults: [Double] = [1, 72, 96, 300]

    /// - Parameters:
    ///   - x: the bytes of XResolution, two LONG; any other number of bytes counts as unknown.
    ///   - y: those of YResolution.
    ///   - unit: 2 is inch, 3 is cm.
    init(x: [UInt8], y: [UInt8], unit: Int, _ header: TIFFHeader) {
        func quotient(_ bytes: [UInt8]) -> Double? {
            guard bytes.count == 8 else { return nil }
            let (above, below) = (header.number(bytes[0..<4]), header.number(bytes[4..<8]))
            return above > 0 && below > 0 ? Double(above) / Double(below) : nil
        }
        self.x = quotient(x)
        self.y = quotient(y)
        self.unit = [2: 25400, 3: 10000][unit]
    }

    /// The distance of pixels by the tags alone.
    var spacing: TIFFSpacing {
        TIFFSpacing(x: unit.flatMap { distance(\.x, unit: $0) }, y: unit.flatMap { distance(\.y, unit: $0) }, z: nil)
    }

    /// The distance of pixels, um, where the resolution is px in `unit`, um; nil where it is a default.
    func distance(_ axis: KeyPath<TIFFResolution, Double?>, unit: Double) -> Double? {
        guard let resolution = self[keyPath: axis] else { return nil }
        // The defaults are numbers of pixels in an inch or a centimetre, also where they were converted from one to the other.
        if unit >= 10000 {
            let inInch = resolution * 25400 / unit
            let isDefault = (Self.defaults + [2.54]).contains { abs(inInch - $0) < 0.01 * $0 }
            if isDefault { return nil }
        }
        return unit / resolution
    }
}
