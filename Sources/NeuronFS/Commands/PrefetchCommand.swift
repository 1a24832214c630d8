import ArgumentParser
import Support

struct PrefetchCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "prefetch",
        abstract: "Fetch files and folders of a mount into its cache.",
        discussion: """
            Of a cell: meta.json, skeleton, markers, projections and the image stack. Of a folder of cells, such as
            splits/train: every cell in it. Files that are in the cache already are not read again, so a second run
            continues an interrupted one. Labels are made from the skeleton and need no prefetch. Exit code 1 when a
            file could not be read, or is not in the cache in the end.

            neuronfs prefetch ./cells/splits/train --jobs 8
            """)

    @Argument(help: "Files or folders of a mount, or ids of specimens.", completion: .file())
    var paths: [String]

    @Option(name: .shortAndLong, help: ArgumentHelp("Files read at the same time.", valueName: "n"))
    var jobs = 4

    @Flag(help: "Also the recordings (ephys.nwb).")
    var all = false

    @Flag(help: "No progress bar.")
    var quiet = false

    /// Errors that are printed; the others are counted.
    private static let errorsTold = 20
    /// Number of times that the cache is searched for the files that were read, a second apart.
    private static let looks = 4

    private static var stopped: Failure { Failure(sentence: "stopped: start it again to go on", code: 130) }

    mutating func validate() throws {
        guard (1...64).contains(jobs) else { throw ValidationError("--jobs is 1 to 64") }
    }

    func run() throws {
        let signals = Signals.blockEnding()
        let paths = try paths.map { path throws(Failure) in try MountChoice.folder(path) }
        let mounts = try Self.mounts(of: paths)
        var parts: [PrefetchPlan.Part] = []
        var known: Set<PrefetchPlan.Part> = []
        for path in paths {
            for part in try PrefetchPlan.parts(of: path) where known.insert(part).inserted { parts.append(part) }
        }
        guard !parts.isEmpty else {
            throw Failure(
                sentence: "\(paths.joined(separator: ", ")) holds nothing to prefetch: folders of this machine are not "
                    + "cached", code: 2)
        }

        let errors = Monitor<[String]>([])
        let files = try list(parts, signals, errors)
        let received = Self.receivedBytes(mounts)
        let start = Instant.now
        let (done, passedOver, made) = (Counter(), Counter(), Counter())
        let complete = Monitor<[PrefetchPlan.File]>([])
        let mebibyte = 1 << 20
        let total = files.reduce(0) { $0 + $1.bytes }
        var bar = ProgressBar(total: (total + mebibyte - 1) / mebibyte, unit: "MiB", quiet: quiet)
        let isWhole = try ParallelRun.run(files, jobs: jobs, signals: signals) {
            bar.advance(to: (done.value + passedOver.value + made.value) / mebibyte)
        } body: { file, isCancelled in
            do throws(Errno) {
                switch try FileReadAhead.read(file.path, isCancelled: isCancelled, progress: { done.add($0) }) {
                case .read: break
                case .passedOver: passedOver.add(file.bytes)
                case .made: made.add(file.bytes)
                }
                complete.withLock { $0.append(file) }
            } catch {
                errors.withLock { $0.append("\(file.path): \(error)") }
            }
        }
        bar.end()
        let kept = complete.withLock { $0 }
        let seconds = max(Instant.now.seconds(since: start), 0.001)
        let rate = ByteText.text(Int(Double(done.value) / seconds))
        let passed = passedOver.value > 0 ? "; \(ByteText.text(passedOver.value)) were in the cache already" : ""
        Output.line(
            "read \(kept.count) of \(files.count) files, \(ByteText.text(done.value)) at \(rate)/s; "
                + "\(ByteText.text(max(0, Self.receivedBytes(mounts) - received))) came over the network" + passed)
        guard isWhole else { throw Self.stopped }
        let lost = try lost(of: kept, signals, errors)
        try tell(errors.withLock { $0 })
        if lost > 0 { throw Failure(sentence: Self.reason(lost, kept.count, mounts)) }
    }

    private func list(
        _ parts: [PrefetchPlan.Part], _ signals: Signals, _ errors: Monitor<[String]>
    ) throws(Failure) -> [PrefetchPlan.File] {
        let found = Monitor<[Int: [PrefetchPlan.File]]>([:])
        let listed = Counter()
        var bar = ProgressBar(total: parts.count, unit: "folders", quiet: quiet)
        let isWhole = try ParallelRun.run(Array(parts.enumerated()), jobs: jobs, signals: signals) {
            bar.advance(to: listed.value)
        } body: { [all] item, _ in
            do throws(Failure) {
                let files = try PrefetchPlan.files(of: item.element, all: all)
                found.withLock { $0[item.offset] = files }
            } catch {
                errors.withLock { $0.append(error.sentence) }
            }
            listed.add()
        }
        bar.end()
        guard isWhole else { throw Self.stopped }
        return found.withLock { found in parts.indices.flatMap { found[$0] ?? [] } }
    }

    /// The number of files that were read and that the cache lacks now. It was full, the disk was full, or another process
    /// has emptied it.
    private func lost(
        of files: [PrefetchPlan.File], _ signals: Signals, _ errors: Monitor<[String]>
    ) throws(Failure) -> Int {
        var suspects = files
        for round in 0..<Self.looks where !suspects.isEmpty {
            // A block that another reader has requested is stored a moment after both readers get it.
            if round > 0, signals.arrived(within: 1) { throw Self.stopped }
            let lacking = Monitor<[PrefetchPlan.File]>([])
            let isWhole = try ParallelRun.run(suspects, jobs: jobs, signals: signals) {
            } body: { file, _ in
                do throws(Errno) {
                    if try FileReadAhead.isLacking(file.path) { lacking.withLock { $0.append(file) } }
                } catch {
                    errors.withLock { $0.append("\(file.path): \(error)") }
                }
            }
            guard isWhole else { throw Self.stopped }
            suspects = lacking.withLock { $0 }
        }
        return suspects.count
    }

    private static func reason(_ lost: Int, _ count: Int, _ mounts: Set<String>) -> String {
        let caches = mounts.compactMap { MountStatus.read($0)?["cache"] }.map { cache in
            let directory = cache["directory"]?.stringValue ?? "?"
            guard cache["writable"]?.boolValue == true else { return "\(directory) accepts no blocks at the moment" }
            let limit = ByteText.text(cache["limit_bytes"]?.intValue ?? 0)
            return "\(directory) holds \(ByteText.text(cache["size_bytes"]?.intValue ?? 0)) of at most \(limit)"
        }
        return "\(lost) of \(count) files are not whole in the cache: \(caches.joined(separator: ", "))"
    }

    /// The mounts of the paths.
    private static func mounts(of paths: [String]) throws(Failure) -> Set<String> {
        var mounts: Set<String> = []
        for path in paths {
            // Each mount is asked once whether it answers.
            if let mount = try MountTable.mount(onTheWayTo: path), mounts.contains(mount.path) { continue }
            if let mount = try MountedPath.findAnswering(path)?.mount.path { mounts.insert(mount) }
        }
        return mounts
    }

    /// Bytes that `mounts` have received so far.
    private static func receivedBytes(_ mounts: Set<String>) -> Int {
        mounts.reduce(0) { $0 + (MountStatus.read($1)?["network"]?["received_bytes"]?.intValue ?? 0) }
    }

    private func tell(_ errors: [String]) throws(Failure) {
        guard !errors.isEmpty else { return }
        for error in errors.sorted().prefix(Self.errorsTold) { Output.note(error) }
        if errors.count > Self.errorsTold { Output.note("and \(errors.count - Self.errorsTold) more") }
        throw Failure(sentence: "\(errors.count) could not be read: start it again to try only what is missing")
    }
}
