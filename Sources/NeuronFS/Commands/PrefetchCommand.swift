import ArgumentParser
import Support

struct PrefetchCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "prefetch",
        abstract: "Read files and folders of a mount ahead into its cache.",
        discussion: """
            Of a cell: meta.json, skeleton, markers, projections and the image stack. Of a folder of cells, such as
            splits/train: every cell in it. What is cached already is passed over quickly, so an interrupted prefetch
            goes on where it stopped when it is started again. Labels are made from the skeleton and need no prefetch.

            neuronfs prefetch ./cells/splits/train --jobs 8
            """)

    @Argument(help: "Files or folders of a mount.", completion: .file())
    var paths: [String]

    @Option(name: .shortAndLong, help: ArgumentHelp("Files read at the same time.", valueName: "n"))
    var jobs = 4

    @Flag(help: "Also the recordings (ephys.nwb).")
    var all = false

    @Flag(help: "No progress bar.")
    var quiet = false

    /// Errors told one by one; more are counted.
    private static let errorsTold = 20

    mutating func validate() throws {
        guard (1...64).contains(jobs) else { throw ValidationError("--jobs is 1 to 64") }
    }

    func run() throws {
        let signals = Signals.blockEnding()
        var parts: [PrefetchPlan.Part] = []
        var known: Set<PrefetchPlan.Part> = []
        for path in paths {
            for part in try PrefetchPlan.parts(of: path) where known.insert(part).inserted { parts.append(part) }
        }
        guard !parts.isEmpty else {
            throw Failure(sentence: "\(paths.joined(separator: ", ")) holds nothing to prefetch", code: 2)
        }

        let errors = Monitor<[String]>([])
        let files = try list(parts, signals, errors)
        let received = try receivedBytes()
        let start = Instant.now
        let done = Counter()
        let complete = Counter()
        let mebibyte = 1 << 20
        let total = files.reduce(0) { $0 + $1.bytes }
        var bar = ProgressBar(total: (total + mebibyte - 1) / mebibyte, unit: "MiB", quiet: quiet)
        var shown = 0
        let isWhole = ParallelRun.run(files, jobs: jobs, signals: signals) {
            let now = done.value / mebibyte
            bar.advance(by: now - shown)
            shown = now
        } body: { file, isCancelled in
            do throws(Errno) {
                try FileReadAhead.read(file.path, isCancelled: isCancelled) { done.add($0) }
                complete.add()
            } catch {
                errors.withLock { $0.append("\(file.path): \(error)") }
            }
        }
        bar.end()
        let seconds = max(Instant.now.seconds(since: start), 0.001)
        let rate = ByteText.text(Int(Double(done.value) / seconds))
        Output.line(
            "read \(complete.value) of \(files.count) files, \(ByteText.text(done.value)) at \(rate)/s; "
                + "\(ByteText.text(max(0, try receivedBytes() - received))) came over the network")
        guard isWhole else { throw Failure(sentence: "stopped: start it again to go on", code: 130) }
        try tell(errors.withLock { $0 })
    }

    private func list(
        _ parts: [PrefetchPlan.Part], _ signals: Signals, _ errors: Monitor<[String]>
    ) throws(Failure) -> [PrefetchPlan.File] {
        let found = Monitor<[Int: [PrefetchPlan.File]]>([:])
        let listed = Counter()
        var bar = ProgressBar(total: parts.count, unit: "folders", quiet: quiet)
        var shown = 0
        let isWhole = ParallelRun.run(Array(parts.enumerated()), jobs: jobs, signals: signals) {
            let now = listed.value
            bar.advance(by: now - shown)
            shown = now
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
        guard isWhole else { throw Failure(sentence: "stopped: start it again to go on", code: 130) }
        return found.withLock { found in parts.indices.flatMap { found[$0] ?? [] } }
    }

    /// Bytes that the mounts of the paths have received so far.
    private func receivedBytes() throws(Failure) -> Int {
        var mounts: Set<String> = []
        for path in paths { if let mount = try MountedPath.find(path)?.mount.path { mounts.insert(mount) } }
        return mounts.reduce(0) { $0 + (MountStatus.read($1)?["network"]?["received_bytes"]?.intValue ?? 0) }
    }

    private func tell(_ errors: [String]) throws(Failure) {
        guard !errors.isEmpty else { return }
        for error in errors.sorted().prefix(Self.errorsTold) { Output.note(error) }
        if errors.count > Self.errorsTold { Output.note("and \(errors.count - Self.errorsTold) more") }
        throw Failure(sentence: "\(errors.count) could not be read: start it again to try only what is missing")
    }
}
