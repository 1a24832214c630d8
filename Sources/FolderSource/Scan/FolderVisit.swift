internal import Specimens
internal import Support

/// One scan of a folder while it goes on: makes specimens of directories and files, and notes what is left out.
struct FolderVisit {
    private let folder: FolderDirectory
    private let source: String
    private let before: FolderScan?
    private let isUsed: @Sendable (Int) -> Bool
    private let beforeByName: [String: FolderPair]
    /// What is left out so far.
    private(set) var notices: Set<FolderScan.Notice> = []
    /// The directories that were read so far.
    private(set) var listings: [String: FolderScan.Listing] = [:]

    init(
        folder: FolderDirectory, source: String, before: FolderScan?, isUsed: @escaping @Sendable (Int) -> Bool
    ) {
        self.folder = folder
        self.source = source
        self.before = before
        self.isUsed = isUsed
        beforeByName = Dictionary((before?.pairs ?? []).map { ($0.name, $0) }) { first, _ in first }
    }

    mutating func note(_ path: String, _ reason: String) {
        notices.insert(FolderScan.Notice(path: path, reason: reason))
    }

    /// The names in a directory, ascending.
    mutating func names(in directory: String) throws(FolderFault) -> [String] {
        guard case .directory(let version) = try folder.kind(of: directory) else { throw .refused("it is a file") }
        if let known = before?.listings[directory], known.version == version,
            !version.isRecent(at: known.time)
        {
            listings[directory] = known
            return known.names
        }
        let time = wallClockSeconds()
        var names: [String] = []
        for bytes in try folder.names(in: directory) {
            if let name = String(validating: bytes, as: UTF8.self) {
                names.append(name)
            } else {
                note("\(directory)/\(String(decoding: bytes, as: UTF8.self))", "its name is not UTF-8")
            }
        }
        names.sort()
        listings[directory] = FolderScan.Listing(version: version, time: time, names: names)
        return names
    }

    /// Whether `name` is a directory; false, with a notice, where it is something that is not read.
    mutating func isDirectory(_ name: String) -> Bool {
        do throws(FolderFault) {
            if case .directory = try folder.kind(of: name) { return true }
        } catch {
            noteFault(name, error)
        }
        return false
    }

    private mutating func noteFault(_ path: String, _ fault: FolderFault) {
        // A name that has gone meanwhile, or a link to nothing.
        if fault != .missing { note(path, fault.description) }
    }

    /// The specimen in a directory; nil where it has nothing of one.
    mutating func pair(inDirectory name: String) -> FolderPair? {
        let known = beforeByName[name]
        do throws(FolderFault) {
            let names = try names(in: name)
            let hasStack = names.contains(PairNames.stackDirectory)
            let roles = Dictionary(grouping: names, by: PairNames.roleInDirectory)
            guard hasStack || roles[.volume] != nil || roles[.skeleton] != nil else { return nil }
            var pair = FolderPair(name: name, source: source)
            fill(&pair, roles.mapValues { names in names.map { "\(name)/\($0)" } }, known)
            if hasStack, let planes = try planes(in: "\(name)/\(PairNames.stackDirectory)", of: pair, known) {
                if pair.images != nil {
                    note(name, "it has images in a TIFF file and in stack/: leave one; neither is shown")
                    pair.images = nil
                } else {
                    pair.images = .planes(planes)
                }
            }
            return pair
        } catch {
            noteFault(name, error)
            // A disk that fails for a moment takes no cell away.
            if case .system = error { return known }
            return nil
        }
    }

    /// The specimen of files that are called alike; nil where there is neither an image nor a skeleton.
    mutating func pair(_ stem: String, ofFiles names: [String]) -> FolderPair? {
        let roles = Dictionary(grouping: names, by: PairNames.role)
        guard roles[.volume] != nil || roles[.skeleton] != nil else { return nil }
        var pair = FolderPair(name: stem, source: source)
        fill(&pair, roles, beforeByName[stem])
        return pair
    }

    /// Fills in the files of each role.
    private mutating func fill(
        _ pair: inout FolderPair, _ roles: [PairNames.Role?: [String]], _ known: FolderPair?
    ) {
        pair.images = only(.volume, roles, of: pair.name).map { .volume($0) }
        pair.skeleton = only(.skeleton, roles, of: pair.name)
        pair.marker = only(.marker, roles, of: pair.name)
        guard let meta = only(.meta, roles, of: pair.name) else { return }
        pair.meta = known?.meta.flatMap { $0.file == meta ? $0 : nil } ?? (meta, read(meta))
        if case .failure(let fault) = pair.meta?.content {
            note(meta.path, "\(fault.reason); the images of its cell are not shown")
            pair.hasUnusableImages = true
        }
    }

    /// The only file of a role; nil where there is none, or several.
    private mutating func only(
        _ role: PairNames.Role, _ roles: [PairNames.Role?: [String]], of name: String
    ) -> FoundFile? {
        var found: [FoundFile] = []
        for path in roles[role] ?? [] {
            do throws(FolderFault) {
                found.append(FoundFile(path: path, version: try folder.version(of: path)))
            } catch {
                noteFault(path, error)
            }
        }
        guard found.count > 1 else { return found.first }
        let names = found.prefix(2).map(\.path).joined(separator: " and ")
        note(name, "it has more than one \(role.word), \(names): leave one; neither is shown")
        return nil
    }

    private func read(_ meta: FoundFile) -> Result<PairMeta, PairMetaFault> {
        do {
            guard meta.version.size <= PairMeta.longest else {
                throw PairMetaFault("it is longer than \(PairMeta.longest) bytes")
            }
            let file = try folder.file(meta.path)
            return .success(
                try PairMeta(try file.bytes(0..<min(file.length, PairMeta.longest), token: CancellationToken())))
        } catch let fault as PairMetaFault {
            return .failure(fault)
        } catch let fault as FolderFault {
            return .failure(PairMetaFault(fault.description))
        } catch {
            return .failure(PairMetaFault("\(error)"))
        }
    }

    /// The files in a directory of planes; nil where it has none.
    private mutating func planes(
        in directory: String, of pair: FolderPair, _ known: FolderPair?
    ) throws(FolderFault) -> PlaneFiles? {
        let kind: FolderDirectory.Kind
        do throws(FolderFault) {
            kind = try folder.kind(of: directory)
        } catch {
            noteFault(directory, error)
            return nil
        }
        guard case .directory = kind else {
            note(directory, "it is a file, not a directory of planes")
            return nil
        }
        let names = try names(in: directory).filter { PairNames.role($0) == .volume }
        let isListedAnew = listings[directory]?.time != before?.listings[directory]?.time
        if !isListedAnew, !isUsed(pair.id), case .planes(let planes) = known?.images { return planes }
        guard names.count <= ImageStack.maximumDepth else {
            note(directory, "it has \(names.count) files, and a stack has at most \(ImageStack.maximumDepth) planes")
            return nil
        }
        var found: [(String, FoundFile)] = []
        for name in names {
            let path = "\(directory)/\(name)"
            do throws(FolderFault) {
                found.append((name, FoundFile(path: path, version: try folder.version(of: path))))
            } catch {
                noteFault(path, error)
            }
        }
        return found.isEmpty ? nil : PlaneFiles(found)
    }
}
