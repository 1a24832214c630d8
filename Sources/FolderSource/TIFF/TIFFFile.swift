package import Specimens
package import Support

/// A TIFF file that is open: its pages, its spacing, and pixels of them.
///
/// It holds no descriptor: the byte source does. Its memory goes back with the last reference.
package final class TIFFFile: Sendable {
    /// The grey planes, one or more, in the order of the file.
    package let pages: [TIFFPage]
    /// What the tags say of the distance of voxels.
    package let spacing: TIFFSpacing

    private let source: any ByteSource
    private let decoding: TIFFDecoding
    private let number: Int

    private init(pages: [TIFFPage], spacing: TIFFSpacing, source: any ByteSource, decoding: TIFFDecoding) {
        self.pages = pages
        self.spacing = spacing
        self.source = source
        self.decoding = decoding
        number = decoding.nextFile()
    }

    deinit { decoding.forget(file: number) }

    /// Reads the directories of a file, and the description of its first page.
    ///
    /// - Returns: the file. It fails with a ``TIFFFault`` for a file that is damaged or of a kind that is not read.
    package static func open(
        _ source: any ByteSource, decoding: TIFFDecoding, token: CancellationToken
    ) -> Promise<TIFFFile, TIFFError> {
        TIFFDirectoryReader.finishedWalk(of: source, token: token).flatMap { walk in
            guard let first = walk.first else { return Promise(.failure(.fault(TIFFFault("the file has no page")))) }
            return TIFFDescription.read(first, of: source, token: token).flatMap { description in
                do throws(TIFFFault) {
                    let pages = try description.planes(of: walk.pages, fileLength: source.length)
                    return Promise(
                        .success(
                            TIFFFile(pages: pages, spacing: description.spacing, source: source, decoding: decoding)))
                } catch {
                    return Promise(.failure(.fault(error)))
                }
            }
        }
    }

    /// Reads a rectangle of a page. Only the strips or tiles that it touches are read.
    ///
    /// - Parameters:
    ///   - page: an index of ``pages``.
    ///   - frame: px of the page.
    /// - Returns: the pixels, row by row: a byte each, or two in the byte order of this machine. 0 is black. It fails with a
    ///   ``TIFFFault`` where the strips or tiles are damaged, where the rectangle is not in the page, or where it needs more
    ///   than 512 MiB of pixels.
    package func read(
        page: Int, frame: SourceObject.Frame, token: CancellationToken
    ) -> Promise<[UInt8], TIFFError> {
        guard pages.indices.contains(page), pages[page].contains(frame) else {
            return Promise(.failure(.fault(TIFFFault("page \(page) has no such rectangle"))))
        }
        let tiff = pages[page]
        let patches: [TIFFPatch]
        do throws(TIFFFault) {
            patches = try tiff.grid.patches(touching: frame)
        } catch {
            return Promise(.failure(.fault(error)))
        }
        let key = TIFFDecoding.PageKey(file: number, page: page)
        return Promise.all(
            patches.map { decoding.pixels(of: $0, tiff, key, source, token: token) }
        ).map { pixels in
            var rectangle = [UInt8](repeating: 0, count: frame.width * frame.height * tiff.bytesPerSample)
            for (patch, pixels) in zip(patches, pixels) { patch.copy(pixels, to: &rectangle, of: frame) }
            return rectangle
        }.mapError { error in
            guard case .fault(let fault) = error else { return error }
            return .fault(TIFFFault("page \(page): \(fault.reason)"))
        }
    }
}
