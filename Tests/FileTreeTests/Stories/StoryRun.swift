import Specimens
import Support
import TestTools

@testable import FileTree

/// Plays a story on a tree and compares every answer with the world.
final class StoryRun {
    /// What an answer should not have been.
    private struct Fault: Error {
        let text: String
    }

    private struct Handle {
        let file: any OpenFile
        let cell: Int
        let name: String
        let size: Int
        /// The versions of objects that it may have: of each at least what had been seen when it was opened.
        var oldest: [ObjectID: Int]
        /// The versions of objects that all bytes so far could be of. A part of a plane may be the same in several.
        var seen: [ObjectID: [Int]] = [:]
    }

    private let world: CellWorld
    private let bench: TreeBench
    private let beside: ScriptedSpecimenSource?
    private var handles: [Handle] = []
    /// The newest version of each object that any answer was made from. None may be made from an older one afterwards.
    private var newest: [ObjectID: Int] = [:]
    /// Replies with hashed numbers, which the kernel has to give back.
    private var held: [InodeNumber: UInt64] = [:]
    /// The number of each file and directory, and what has each number.
    private var numbers: [String: InodeNumber] = [:]
    private var owners: [InodeNumber: String] = [:]

    /// The first fault of a story; nil for none.
    static func fault(_ steps: [Step], in world: CellWorld) throws -> String? {
        let run = try StoryRun(world)
        defer { run.bench.close() }
        for (number, step) in steps.enumerated() {
            do {
                try run.play(step)
            } catch let fault as Fault {
                return "step \(number), \(step): \(fault.text)"
            }
        }
        return run.faultOfTheEnd()
    }

    private init(_ world: CellWorld) throws {
        self.world = world
        beside = world.besideSource
        let objects = world.cells.map { ($0.id, world.objects($0)) }
        bench = try TreeBench(
            world.specimens(), objects: Dictionary(uniqueKeysWithValues: objects), blocks: world.blocks(),
            beside: beside)
    }

    private func expect(_ condition: Bool, _ text: @autoclosure () -> String) throws {
        if !condition { throw Fault(text: text()) }
    }

    // MARK: - Steps

    private func play(_ step: Step) throws {
        switch step {
        case .lookUp(let cell, let place, let name): try lookUp(cell, place, name)
        case .list(let cell, let place):
            try listFolders(cell, place)
            try listCells()
        case .stat(let cell, let place, let name): try stat(cell, place, name)
        case .open(let cell, let place, let name): try open(cell, place, name)
        case .read(let handle, let place, let count):
            if !handles.isEmpty { try read(handle % handles.count, place, count) }
        case .close(let handle): if !handles.isEmpty { handles.remove(at: handle % handles.count) }
        case .change(let cell, let object): world.change(objectID(object, cell))
        case .edit(let cell, let edit): self.edit(cell, edit)
        case .fail(let fails): world.setFailing(fails)
        }
    }

    private func objectID(_ object: Step.Object, _ cell: Int) -> ObjectID {
        switch object {
        case .skeleton: CellWorld.skeleton(cell)
        case .recording: CellWorld.recording(cell)
        case .firstPlane: CellWorld.image(0, cell)
        case .lastPlane: CellWorld.image(3, cell)
        }
    }

    private func edit(_ id: Int, _ edit: Step.Edit) {
        world.edit(id) { cell in
            guard edit != .cell, cell != nil else {
                cell = cell == nil ? CellWorld.Cell(id: id) : nil
                return
            }
            switch edit {
            case .layer:
                let layer = cell?.layer
                cell?.layer = layer == nil ? "2/3" : nil
            case .images: cell?.hasImages.toggle()
            case .skeleton: cell?.isTraced.toggle()
            case .recording: cell?.hasRecording.toggle()
            case .cell: break
            }
        }
        let isBeside = world.isBeside(id)
        let source = isBeside ? beside ?? bench.source : bench.source
        if let cell = world.cell(id) { source.answer(id, .success(world.objects(cell))) }
        source.show(world.specimens(beside: isBeside))
    }

    // MARK: - Names

    /// Whether the folder of the cell at `place` has a file or directory of this name.
    private func exists(_ id: Int, _ place: Step.Place, _ name: String) -> Bool {
        guard let cell = world.cell(id), CellWorld.stands(cell, at: place) else { return false }
        let parts = name.split(separator: "/")
        guard CellWorld.names(cell).contains(String(parts[0])) else { return false }
        return parts.count == 1 || CellWorld.planes.contains { "\(parts[1])" == "000\($0).tif" }
    }

    /// The answers of lookups from the root to a name in a cell's folder at `place`; the last may be that there is none.
    private func walk(_ id: Int, _ place: Step.Place, _ name: String) throws -> Result<FileAttributes, FileTreeError> {
        try walk("\(world.path(of: id, at: place))/\(name)")
    }

    private func walk(_ path: String) throws -> Result<FileAttributes, FileTreeError> {
        var directory = InodeNumber.root
        let names = path.split(separator: "/").map(String.init)
        for part in names.dropLast() {
            let found = try found(part, in: directory)
            guard case .success(let attributes) = found else { return found }
            directory = attributes.inode
        }
        return try found(names[names.count - 1], in: directory)
    }

    private func found(_ name: String, in parent: InodeNumber) throws -> Result<FileAttributes, FileTreeError> {
        guard let answer = bench.lookup(name, in: parent) else { throw Fault(text: "the lookup of \(name) waits") }
        if case .success(let attributes) = answer, attributes.inode.isHashed { held[attributes.inode, default: 0] += 1 }
        return answer
    }

    private func lookUp(_ cell: Int, _ place: Step.Place, _ name: String) throws {
        switch try walk(cell, place, name) {
        case .success(let attributes):
            try expect(attributes.isProvisional || exists(cell, place, name), "found, and it does not exist")
            if !attributes.isProvisional { try judge(attributes, cell, place, name) }
        case .failure(.notFound): try expect(!exists(cell, place, name), "not found, and it exists")
        case .failure(let error): throw Fault(text: "\(error)")
        }
    }

    private func stat(_ cell: Int, _ place: Step.Place, _ name: String) throws {
        guard case .success(let found) = try walk(cell, place, name) else { return try lookUp(cell, place, name) }
        switch bench.attributes(of: found.inode) {
        case .success(let attributes):
            try expect(exists(cell, place, name), "stated, and it does not exist")
            try expect(attributes.inode == found.inode && attributes.kind == found.kind, "another inode or kind")
            try judge(attributes, cell, place, name)
        case .failure(.notFound): try expect(!exists(cell, place, name), "not stated, and it exists")
        case .failure(let error): try expect(world.fails(cell) && exists(cell, place, name), "\(error)")
        }
    }

    /// Compares the size of a file with the versions that it may have.
    private func judge(_ attributes: FileAttributes, _ cell: Int, _ place: Step.Place, _ name: String) throws {
        let size = attributes.size
        let isDirectory = attributes.kind == .directory
        try expect((attributes.inode.isHashed) == (cell > UInt32.max), "a number of the wrong kind")
        try judgeNumber(attributes.inode, of: "\(isDirectory ? place : .own) \(cell)/\(name)")
        let places = world.cell(cell).map { cell in Step.Place.allCases.count { CellWorld.stands(cell, at: $0) } } ?? 0
        try expect(isDirectory || attributes.linkCount == places, "\(attributes.linkCount) names, and \(places) places")
        switch name {
        case "skeleton.swc", "ephys.nwb":
            let object = name == "ephys.nwb" ? CellWorld.recording(cell) : CellWorld.skeleton(cell)
            try expect(
                versions(object, since: newest).contains { CellWorld.length(object, $0) == size },
                "\(size) bytes is the length of no version")
        case "stack/0001.tif", "labels/0000.tif", "labels/0001.tif":
            try expect(size > CellWorld.frame && size % 4096 == CellWorld.frame % 4096, "\(size) bytes")
        case "stack.tif", "stack.npy", "labels.npy":
            let pixels = CellWorld.frame * CellWorld.depth
            try expect(size > pixels && size % 4096 == pixels % 4096, "\(size) bytes")
        default: break
        }
    }

    /// A file has one number at all places, and a directory has one at each.
    private func judgeNumber(_ inode: InodeNumber, of subject: String) throws {
        let (known, owner) = (numbers[subject, default: inode], owners[inode, default: subject])
        try expect(known == inode && owner == subject, "\(inode) of \(subject), which has \(known) as \(owner)")
        numbers[subject] = inode
        owners[inode] = subject
    }

    private func listFolders(_ id: Int, _ place: Step.Place) throws {
        guard case .success(let folder) = try walk(id, place, "") else {
            let stands = world.cell(id).map { CellWorld.stands($0, at: place) } ?? false
            return try expect(!stands, "no folder, and the cell exists")
        }
        let expected = world.cell(id).map(CellWorld.names) ?? []
        try compare(bench.children(of: folder.inode), expected, "the folder of \(id)")
        for series in ["stack", "labels", "labels-nodes"] where expected.contains(series) {
            guard case .success(let planes) = try walk(id, place, series) else { throw Fault(text: "no \(series)") }
            try compare(bench.children(of: planes.inode), ["0000.tif", "0001.tif", "0003.tif"], series)
        }
    }

    private func listCells() throws {
        func names(_ cells: [CellWorld.Cell]) -> Set<String> { Set(cells.map { world.mixedName(of: $0.id) }) }
        let cells = world.cells
        for collection in ["mouse", "own"] {
            let members = cells.filter { world.place(of: $0.id).collection == collection }
            try listFolders(of: members, collection)
            try listFolders(of: members.filter { $0.isTraced && $0.hasImages }, "trainable/\(collection)")
        }
        for (part, place) in zip(SplitPart.allCases, [Step.Place.train, .val, .test]) {
            let members = cells.filter { CellWorld.stands($0, at: place) }
            try compare(bench.children(of: .split(part)), names(members), place.rawValue)
        }
        try compare(bench.children(of: .grouping(.name)), Set(cells.map { "cell \($0.id)" }), "by-name")
        let layered = cells.filter { $0.layer != nil }
        try compare(bench.children(of: .grouping(.layer)), layered.isEmpty ? [] : ["2-3"], "by-layer")
        guard !layered.isEmpty else { return }
        guard case .success(let layer)? = bench.lookup("2-3", in: .grouping(.layer)) else {
            throw Fault(text: "no by-layer/2-3")
        }
        try compare(bench.children(of: layer.inode), names(layered), "by-layer/2-3")
    }

    /// The folders of cells at `path`. Without a cell there may be no such directory.
    private func listFolders(of cells: [CellWorld.Cell], _ path: String) throws {
        switch try walk(path) {
        case .success(let directory):
            let folders = Set(cells.map { world.place(of: $0.id).folder })
            try compare(bench.children(of: directory.inode), folders, path)
        case .failure(.notFound): try expect(cells.isEmpty, "no \(path)")
        case .failure(let error): throw Fault(text: "\(path): \(error)")
        }
    }

    private func compare(
        _ answer: Result<[DirectoryEntry], FileTreeError>, _ expected: Set<String>, _ what: String
    ) throws {
        guard case .success(let entries) = answer else { throw Fault(text: "\(what): \(answer)") }
        let found = Set(entries.map(\.name))
        try expect(found.count == entries.count, "\(what) lists a name twice")
        let differing = found.symmetricDifference(expected).sorted()
        try expect(differing.isEmpty, "\(what) differs by \(differing)")
    }

    // MARK: - Bytes

    /// The versions that an answer of now may be made from, when it is not older than `oldest` says.
    private func versions(_ object: ObjectID, since oldest: [ObjectID: Int]) -> ClosedRange<Int> {
        (oldest[object] ?? 1)...world.version(of: object)
    }

    private func open(_ cell: Int, _ place: Step.Place, _ name: String) throws {
        guard case .success(let found) = try walk(cell, place, name) else { return try lookUp(cell, place, name) }
        let oldest = newest
        switch bench.open(found.inode) {
        case .success(let file):
            try expect(exists(cell, place, name), "opened, and it does not exist")
            let size: Int
            switch name {
            case "skeleton.swc", "ephys.nwb": size = 0
            default:
                guard case .success(let attributes) = bench.attributes(of: found.inode) else {
                    throw Fault(text: "an open file has no attributes")
                }
                size = attributes.size
            }
            handles.append(Handle(file: file, cell: cell, name: name, size: size, oldest: oldest))
        case .failure(.notFound): try expect(!exists(cell, place, name), "not opened, and it exists")
        case .failure(let error): try expect(world.fails(cell) && exists(cell, place, name), "not opened: \(error)")
        }
    }

    /// What a handle reads: an object of the source, or a plane that is drawn from it; and where that lies in the file.
    private func subject(_ handle: Handle, _ place: Double) -> (object: ObjectID?, plane: Int?, start: Int, count: Int)
    {
        let frame = CellWorld.frame
        let volumePlane = Int(place * Double(CellWorld.depth))
        let inVolume = handle.size - frame * (CellWorld.depth - volumePlane)
        let isThere = CellWorld.planes.contains(volumePlane)
        switch handle.name {
        case "skeleton.swc":
            let object = CellWorld.skeleton(handle.cell)
            return (object, nil, 0, CellWorld.length(object, 1))
        case "ephys.nwb": return (CellWorld.recording(handle.cell), nil, 0, ObjectExtents.size + 1000)
        case "stack/0000.tif": return (CellWorld.image(0, handle.cell), 0, handle.size - frame, frame)
        case "stack/0003.tif": return (CellWorld.image(3, handle.cell), 3, handle.size - frame, frame)
        case "labels/0001.tif": return (CellWorld.skeleton(handle.cell), 1, handle.size - frame, frame)
        case "labels.tif":
            return (isThere ? CellWorld.skeleton(handle.cell) : nil, volumePlane, inVolume, frame)
        default: return (isThere ? CellWorld.image(volumePlane, handle.cell) : nil, volumePlane, inVolume, frame)
        }
    }

    private func read(_ index: Int, _ place: Double, _ count: Int) throws {
        let handle = handles[index]
        let subject = subject(handle, place)
        // `place` chooses the plane of a volume by its first digits, and the place in the plane by the following ones.
        let fraction = (place * Double(CellWorld.depth)).truncatingRemainder(dividingBy: 1)
        let first = Int(fraction * Double(subject.count))
        let range = first..<min(first + count, subject.count)
        switch bytes(handle.file, at: subject.start + range.lowerBound, count: range.count) {
        case .success(let bytes):
            try expect(bytes.count == range.count, "\(bytes.count) bytes for \(range.count)")
            guard let object = subject.object else {
                let empty: UInt8 = handle.name.hasPrefix("labels") ? 255 : 0
                return try expect(bytes.allSatisfy { $0 == empty }, "the missing plane is not \(empty)")
            }
            let possible = handle.seen[object] ?? Array(versions(object, since: handle.oldest))
            let seen = possible.filter { expected(object, $0, subject.plane, range) == bytes }
            guard let oldest = seen.first else {
                throw Fault(text: "the bytes are of none of the versions \(possible) of \(object)")
            }
            handles[index].seen[object] = seen
            newest[object] = max(newest[object] ?? 1, oldest)
        case .failure(.stale), .failure(.data(.changedUpstream)):
            let hasChanged = objects(of: handle).contains { object in
                world.version(of: object) > (handle.seen[object]?.first ?? handle.oldest[object] ?? 1)
            }
            try expect(hasChanged, "stale, and nothing has changed")
        case .failure(let error): try expect(world.fails(handle.cell), "\(error)")
        }
    }

    /// Reads as the kernel does: what is refused because nobody has asked for it yet is read again page by page.
    private func bytes(_ file: any OpenFile, at offset: Int, count: Int) -> Result<[UInt8], FileTreeError> {
        let answer = ReadAnswer()
        file.read(offset: offset, count: count, isDirect: false, token: CancellationToken(), receiver: answer)
        let whole = answer.wait()
        guard case .failure(.speculative) = whole, count > 4096 else { return whole }
        return Result { () throws(FileTreeError) in
            var bytes: [UInt8] = []
            for start in stride(from: 0, to: count, by: 4096) {
                bytes += try self.bytes(file, at: offset + start, count: min(4096, count - start)).get()
            }
            return bytes
        }
    }

    /// The objects whose change may make a handle stale.
    private func objects(of handle: Handle) -> [ObjectID] {
        switch handle.name {
        case "ephys.nwb": [CellWorld.recording(handle.cell)]
        case let name where name.hasPrefix("stack"): CellWorld.planes.map { CellWorld.image($0, handle.cell) }
        default: [CellWorld.skeleton(handle.cell)]
        }
    }

    private func expected(_ object: ObjectID, _ version: Int, _ plane: Int?, _ range: Range<Int>) -> [UInt8] {
        guard let plane else { return CellWorld.bytes(object, version, range) }
        return range.map { index in
            let (row, column) = index.quotientAndRemainder(dividingBy: CellWorld.width)
            return object.kind == .image
                ? CellWorld.pixel(object, version, row: row, column: column)
                : CellWorld.label(version, plane: plane, row: row, column: column)
        }
    }

    // MARK: - The end

    /// Hashed numbers mean something until the last reply is given back, and nothing after it.
    private func faultOfTheEnd() -> String? {
        for (inode, count) in held {
            if count > 1 { bench.tree.forget(inode, count: count - 1) }
            if bench.tree.path(of: inode) == nil { return "a number that the kernel holds means nothing" }
            bench.tree.forget(inode, count: 1)
            if bench.tree.path(of: inode) != nil { return "a number means something that the kernel has given back" }
        }
        return nil
    }
}
