internal import Specimens
internal import Support

/// Makes the stack of a specimen from what its TIFF files say.
struct StackReader: Sendable {
    /// A stack, and where its spacing is from.
    struct Stack {
        let images: ImageStack
        let origin: ImageOrigin
        let spacingSource: String
    }

    /// The only page of the TIFF of a plane.
    private struct Page: Sendable {
        let width: Int
        let height: Int
        let bits: Int
        let isLossy: Bool
        let spacing: TIFFSpacing

        init(_ page: TIFFPage, of tiff: TIFFFile) {
            width = page.width
            height = page.height
            bits = page.bitsPerSample
            isLossy = page.compression == .jpeg
            spacing = tiff.spacing
        }
    }

    /// What the TIFF of a plane says in one version; no page for one that cannot be read.
    private struct PlaneShape: Sendable {
        let version: FileVersion
        let page: Page?
    }

    private let shelf: TIFFShelf
    private let faults: OnceLog
    private let path: String
    private let spacing: VoxelSpacing?
    /// The planes of stacks that were read, so that after a change of one the others need not be read again. The limit is a
    /// number of planes, of 200 bytes each.
    private let shapes = MemoryCache<Int, [String: PlaneShape]>(limit: 100_000)

    /// - Parameters:
    ///   - folder: the path of the folder, for messages.
    ///   - spacing: of images that do not say it.
    init(shelf: TIFFShelf, faults: OnceLog, folder: String, spacing: VoxelSpacing?) {
        self.shelf = shelf
        self.faults = faults
        path = folder
        self.spacing = spacing
    }

    /// The stack of `pair`. On one of the threads of ``FolderReads``.
    ///
    /// - Throws: why there is none.
    func stack(
        of pair: FolderPair, in folder: FolderDirectory, token: CancellationToken
    ) throws(FolderFault) -> Stack {
        switch pair.images {
        case .volume(let found):
            let tiff = try shelf.file(found.path, in: folder, token: token).tiff
            let planes = tiff.pages.enumerated().map { ($0, $0, Page($1, of: tiff)) }
            return try stack(of: planes, pair.usableMeta, tiff.spacing)
        case .planes(let files):
            let pages = try pages(of: files, pair.id, folder, token)
            let planes = zip(files.files, pages).map { ($0.number, $0.section, $1) }
            guard let first = pages.lazy.compactMap({ $0 }).first else {
                throw .damaged("none of its planes can be read")
            }
            return try stack(of: planes, pair.usableMeta, first.spacing)
        case nil: throw .missing
        }
    }

    /// - Parameter tags: what the TIFF says of its spacing, the first usable one of several.
    private func stack(
        of planes: [(number: Int, section: Int, page: Page?)], _ meta: PairMeta, _ tags: TIFFSpacing
    ) throws(FolderFault) -> Stack {
        guard planes.count <= ImageStack.maximumDepth else {
            throw .damaged("\(planes.count) pages are more than the \(ImageStack.maximumDepth) planes of a stack")
        }
        let (spacing, source) = try distance(meta, tags)
        var images: [PlaneImage] = []
        for (number, section, page) in planes {
            let (width, height) = (page?.width ?? 1, page?.height ?? 1)
            guard max(width, height) <= PlaneImage.longestSide else {
                throw .damaged("\(width) x \(height) px are too many: a side has at most \(PlaneImage.longestSide)")
            }
            images.append(
                PlaneImage(
                    imageID: number, sectionNumber: section, x: meta.x, y: meta.y, width: width, height: height,
                    frameWidth: meta.x + width, frameHeight: meta.y + height, xSpacing: spacing.x,
                    ySpacing: spacing.y, bits: page?.bits ?? 8, failed: page == nil))
        }
        guard let stack = ImageStack(planes: images, zSpacing: spacing.z) else {
            throw .damaged("none of its planes can be read")
        }
        let isLossy = planes.contains { $0.page?.isLossy == true }
        return Stack(
            images: stack,
            origin: isLossy
                ? ImageOrigin(photometric: ImageOrigin.file.photometric, lossy: "JPEG, as the TIFF has it") : .file,
            spacingSource: source)
    }

    /// The page of each plane; nil for one that cannot be read.
    private func pages(
        of planes: PlaneFiles, _ specimen: Int, _ folder: FolderDirectory, _ token: CancellationToken
    ) throws(FolderFault) -> [Page?] {
        let known = shapes[specimen] ?? [:]
        var read = known
        // Kept also when the time is over before the last one, so that the next try gets further.
        defer { shapes.insert(read, for: specimen, cost: read.count) }
        var pages: [Page?] = []
        for plane in planes.files {
            if let shape = known[plane.file.path], shape.version == plane.file.version {
                pages.append(shape.page)
                continue
            }
            if token.isCancelled { throw .cancelled }
            let page = try page(of: plane.file, folder, token)
            read[plane.file.path] = PlaneShape(version: plane.file.version, page: page)
            pages.append(page)
        }
        let present = Set(planes.files.map(\.file.path))
        read = read.filter { present.contains($0.key) }
        return pages
    }

    /// The page of a plane; nil, with a line in the log, where it cannot be read.
    private func page(
        of file: FoundFile, _ folder: FolderDirectory, _ token: CancellationToken
    ) throws(FolderFault) -> Page? {
        do throws(FolderFault) {
            let tiff = try shelf.openTIFF(file.path, in: folder, token: token).tiff
            guard tiff.pages.count == 1 else {
                throw .damaged("it has \(tiff.pages.count) pages; in stack/ each file is one plane")
            }
            return Page(tiff.pages[0], of: tiff)
        } catch {
            guard error.isLasting else { throw error }
            faults.warn(
                "a plane cannot be shown", path: "\(path)/\(file.path)", version: file.version,
                reason: error.description)
            return nil
        }
    }

    /// The distance of voxels, and where it is from.
    private func distance(
        _ meta: PairMeta, _ tags: TIFFSpacing
    ) throws(FolderFault) -> (VoxelSpacing, source: String) {
        if let spacing = meta.spacing { return (spacing, "meta.json") }
        guard let x = tags.x ?? spacing?.x, let y = tags.y ?? spacing?.y, let z = tags.z ?? spacing?.z else {
            throw .damaged(
                """
                nothing says how far apart its voxels are: write {"stack": {"voxel_spacing_um": [z, y, x]}} into \
                meta.json, or mount with spacing=X,Y,Z
                """)
        }
        guard let distance = VoxelSpacing.possible(x: x, y: y, z: z) else {
            throw .damaged("its tags say that voxels are \(x), \(y) and \(z) um apart, which cannot be")
        }
        let tagged = [tags.x, tags.y, tags.z].count { $0 != nil }
        return (distance, ["mount option", "TIFF tags and mount option", "TIFF tags"][(tagged + 1) / 2])
    }
}
