import ArgumentParser
import BlockStore
import Configuration
import Support

/// `neuronfs cache`: the cache on disk. Every command is safe while a mount uses the cache.
struct CacheCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cache",
        abstract: "Examine, check and prune the cache on disk, mounted or not.",
        discussion: """
            neuronfs cache status --specimens
            neuronfs cache pin ./cells/splits/train
            neuronfs cache prune --to 20G
            """,
        subcommands: [
            CacheStatusCommand.self, CacheVerifyCommand.self, CachePruneCommand.self, CacheClearCommand.self,
            CachePinCommand.self, CacheUnpinCommand.self,
        ])
}

struct CacheStatusCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status", abstract: "Show the size, the disk, the pins, and the mount that uses the cache.")

    @OptionGroup var place: CachePlace

    @Flag(help: "Also a line for each specimen, the largest first. Reads the header of every block.")
    var specimens = false

    @Flag(help: "As JSON.")
    var json = false

    func run() throws {
        let (directory, inspector) = try place.inspector()
        let summary = try CacheChoice.telling { () throws(CacheError) in try inspector.status() }
        let usage = try CacheChoice.telling { () throws(CacheError) in
            try specimens ? inspector.usageBySpecimen() : []
        }
        let mount = summary.holder == nil ? nil : try CacheChoice.mount(using: directory)
        let limit = mount?["cache"]?["limit_bytes"]?.intValue
        if json {
            Output.line(document(directory, summary, usage, mount, limit).text(.indented))
        } else {
            write(directory, summary, usage, limit)
        }
    }

    private func document(
        _ directory: String, _ summary: CacheInspector.Summary, _ usage: [CacheInspector.SpecimenUsage],
        _ mount: JSONValue?, _ limit: Int?
    ) -> JSONValue {
        var object: JSONObject = [
            "directory": .string(directory), "blocks": .int(summary.blocks), "size_bytes": .int(summary.bytes),
            "limit_bytes": limit.map { .int($0) } ?? .null, "free_bytes": summary.freeBytes.map { .int($0) } ?? .null,
            "pins": .array(summary.pins.map { .string($0) }),
            "holder": summary.holder.map { ["pid": .int(Int($0.pid)), "owner": .string($0.owner)] } ?? .null,
            "mount_point": mount?["mount_point"] ?? .null,
            "other_versions": .array(summary.otherVersions.map { .string($0) }),
        ]
        if specimens {
            object["specimens"] = .array(
                usage.map {
                    [
                        "specimen": .string($0.specimen), "blocks": .int($0.blocks), "size_bytes": .int($0.bytes),
                        "pinned_bytes": .int($0.pinnedBytes),
                    ]
                })
        }
        return .object(object)
    }

    private func write(
        _ directory: String, _ summary: CacheInspector.Summary, _ usage: [CacheInspector.SpecimenUsage], _ limit: Int?
    ) {
        let size = ByteText.text(summary.bytes) + (limit.map { " of at most \(ByteText.text($0))" } ?? "")
        Output.line("directory  \(directory)")
        Output.line("size       \(size) in \(summary.blocks) blocks")
        if let free = summary.freeBytes { Output.line("disk       \(ByteText.text(free)) free") }
        if let holder = summary.holder { Output.line("in use by  \(holder.owner) (pid \(holder.pid))") }
        if !summary.pins.isEmpty { Output.line("pinned     \(summary.pins.joined(separator: ", "))") }
        for folder in summary.otherVersions {
            Output.line("leftover   \(directory)/\(folder) belongs to another version of this program")
        }
        for entry in usage {
            let pinned = entry.pinnedBytes > 0 ? ", \(ByteText.text(entry.pinnedBytes)) pinned" : ""
            Output.line("\(entry.specimen)  \(ByteText.text(entry.bytes)) in \(entry.blocks) blocks\(pinned)")
        }
    }
}

struct CacheVerifyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify",
        abstract: "Read and check every block, and remove damaged ones.",
        discussion:
            "A removed block is fetched again at its next read. Exit code 1 when a block was damaged or unreadable.")

    @OptionGroup var place: CachePlace

    @Flag(help: "No progress bar.")
    var quiet = false

    func run() throws {
        let inspector = try place.inspector().inspector
        let signals = Signals.blockEnding()
        var bar: ProgressBar?
        let result = try CacheChoice.telling { () throws(CacheError) in
            try inspector.verify { done, total in
                if bar == nil { bar = ProgressBar(total: total, unit: "blocks", quiet: quiet) }
                bar?.advance(to: done)
                return !signals.arrived(within: 0)
            }
        }
        bar?.end()
        Output.line(
            "\(result.good) good, \(result.corrupt) damaged and removed, \(result.unreadable) unreadable and left")
        if result.leftovers > 0 { Output.line("\(result.leftovers) leftovers of interrupted writes removed") }
        if result.isStopped { throw Failure(sentence: "stopped before the end", code: 130) }
        if result.corrupt + result.unreadable > 0 { throw ExitCode(1) }
    }
}

extension ByteCount: ExpressibleByArgument {}

struct CachePruneCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "prune",
        abstract: "Remove the blocks read longest ago until at most SIZE is left.",
        discussion: "Pinned blocks stay, even when they are more than that.")

    @OptionGroup var place: CachePlace

    @Option(help: ArgumentHelp("The size that may be left, for example 20G.", valueName: "size"))
    var to: ByteCount

    func run() throws {
        let inspector = try place.inspector().inspector
        let removal = try CacheChoice.telling { () throws(CacheError) in try inspector.prune(toBytes: to.bytes) }
        Output.line("removed \(removal.blocks) blocks, \(ByteText.text(removal.bytes))")
    }
}

struct CacheClearCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "clear", abstract: "Remove all blocks that are not pinned.")

    @OptionGroup var place: CachePlace

    @Flag(help: "Also remove pinned blocks. The pins themselves stay.")
    var includePinned = false

    @Flag(name: .shortAndLong, help: "Do not ask.")
    var yes = false

    func run() throws {
        let (directory, inspector) = try place.inspector()
        if !yes {
            let summary = try CacheChoice.telling { () throws(CacheError) in try inspector.status() }
            let pinned = includePinned ? ", pinned ones included" : ", pinned ones excepted"
            let what = summary.pins.isEmpty ? "" : pinned
            try Question.confirm(
                "Remove \(summary.blocks) blocks (\(ByteText.text(summary.bytes))) from \(directory)\(what)?")
        }
        let removal = try CacheChoice.telling { () throws(CacheError) in
            try inspector.clear(includingPinned: includePinned)
        }
        Output.line("removed \(removal.blocks) blocks, \(ByteText.text(removal.bytes))")
    }
}

/// The cells that `pin` and `unpin` change.
struct PinTargets: ParsableArguments {
    @OptionGroup var choice: CacheChoice

    @Argument(
        help: "Specimen ids, or paths in a mount: a cell's folder, or a folder of cells such as splits/train.",
        completion: .directory)
    var specimens: [String]

    /// The ids by cache. The cache of a path is that of its mount. Takes the rights of the caches' owner.
    ///
    /// - Parameter areChecked: whether the mount that has the cache open must have cells of these ids.
    func resolve(areChecked: Bool) throws(Failure) -> [(directory: String, specimens: [String])] {
        var found: [(directory: String, specimens: [String])] = []
        for text in specimens {
            let ids: [String]
            let directory: String
            if MountedPath.isSpecimenID(text) {
                ids = [text]
                directory = try choice.directory()
                if areChecked { try Self.check(text, of: directory) }
            } else {
                guard let path = try MountedPath.findAnswering(text) else {
                    throw Failure(sentence: "\(text) is neither a specimen id nor a path in a NeuronFS mount", code: 2)
                }
                guard !path.isOfFolder else {
                    throw Failure(sentence: "\(text) lies in a folder of this machine, which is not cached", code: 2)
                }
                ids = try path.specimens()
                guard !ids.isEmpty else { throw Failure(sentence: "\(text) holds no specimens", code: 2) }
                directory = try choice.directory(of: path)
            }
            // A path may be given twice, or lie in another one.
            if let index = found.firstIndex(where: { $0.directory == directory }) {
                let known = Set(found[index].specimens)
                found[index].specimens += ids.filter { !known.contains($0) }
            } else {
                found.append((directory, ids))
            }
        }
        try CacheRights.become(ownerOf: found.map(\.directory))
        return found
    }

    private static func check(_ id: String, of directory: String) throws(Failure) {
        guard let mount = try CacheChoice.mount(using: directory)?["mount_point"]?.stringValue else {
            return Output.note("no mount has \(directory) open: the id \(id) was not checked")
        }
        guard MountChoice.specimenFolder(id, in: mount) != nil else {
            throw Failure(sentence: "\(mount) has no specimen \(id)", code: 2)
        }
    }
}

struct CachePinCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pin",
        abstract: "Keep the blocks of specimens in the cache, also those fetched later.",
        discussion: "Fetches nothing; neuronfs prefetch does. A running mount follows a pin within seconds.")

    @OptionGroup var targets: PinTargets

    func run() throws {
        for (directory, specimens) in try targets.resolve(areChecked: true) {
            do throws(Errno) {
                try makeDirectories(directory, mode: 0o700)
            } catch {
                throw Failure(sentence: "cannot make the directory \(directory): \(error)")
            }
            let inspector = CacheInspector(directory: directory)
            try CacheChoice.telling { () throws(CacheError) in try inspector.pin(specimens) }
            Output.line("pinned \(specimens.count == 1 ? specimens[0] : "\(specimens.count) specimens")")
        }
    }
}

struct CacheUnpinCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "unpin", abstract: "Remove pins.")

    @OptionGroup var targets: PinTargets

    func run() throws {
        for (directory, specimens) in try targets.resolve(areChecked: false) {
            let inspector = CacheInspector(directory: directory)
            let count = try CacheChoice.telling { () throws(CacheError) in try inspector.unpin(specimens) }
            guard count > 0 else {
                throw Failure(sentence: "\(specimens.joined(separator: ", ")) is not pinned in \(directory)")
            }
            Output.line("unpinned \(specimens.count == 1 ? specimens[0] : "\(count) specimens")")
        }
    }
}
