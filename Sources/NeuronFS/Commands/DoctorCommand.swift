import ArgumentParser
import Configuration
import Support

struct DoctorCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor",
        abstract: "Find faults of this machine and of mounts, and the commands that repair them.",
        discussion: "Changes nothing. Exit code 1 when a fault was found.")

    @Argument(help: "A mount point. (default: all NeuronFS mounts)", completion: .directory)
    var mountPoint: String?

    @OptionGroup var choice: CacheChoice

    @Option(help: ArgumentHelp("Base URL of the API to try. (default: that of the mounts)", valueName: "url"))
    var endpoint: String?

    func run() throws {
        let mounts = try MountChoice.looked(mountPoint)
        var findings = MachineCheckup.findings() + MountCheckup.findings(of: mounts)
        var resolution = Resolution(file: .none)
        do throws(ConfigurationError) {
            resolution.file = try ConfigurationFile.load(given: choice.config)
            _ = try resolution.mountSettings()
        } catch {
            findings.append(.bad(error.sentence, cure: "correct the value; neuronfs mount --help lists the options"))
            resolution = Resolution(readsEnvironment: false)
        }
        let statuses = mounts.compactMap { if case .alive(let status) = $0.state { status } else { nil } }
        findings += try cache(resolution, statuses.compactMap { $0["cache"]?["directory"]?.stringValue })
        for url in try endpoints(resolution, statuses.compactMap { $0["endpoint"]?.stringValue }) {
            findings.append(EndpointCheckup.finding(url))
        }
        for finding in findings {
            Output.line("\(finding.grade.rawValue.padded(to: 5))\(finding.text)")
            if let cure = finding.cure { Output.line("     -> \(cure)") }
        }
        let bad = findings.count { $0.grade == .bad }
        guard bad == 0 else {
            throw Failure(sentence: bad == 1 ? "one thing does not work" : "\(bad) things do not work")
        }
    }

    private func cache(_ resolution: Resolution, _ mounted: [String]) throws(ConfigurationError) -> [Finding] {
        let isNamed = choice.cacheDir != nil || choice.demo || mounted.isEmpty
        let directories = isNamed ? [try choice.directory(resolution)] : mounted
        let reserve = try resolution.value(Settings.ofMount.cacheFree).bytes
        return directories.flatMap { CacheCheckup.findings(directory: $0, reserve: reserve) }
    }

    private func endpoints(_ resolution: Resolution, _ mounted: [String]) throws(ConfigurationError) -> [String] {
        if let endpoint { return [Endpoint(argument: endpoint)?.url ?? SecretText.masked(endpoint)] }
        return try mounted.isEmpty ? [resolution.value(Settings.endpoint).url] : mounted
    }
}

extension String {
    fileprivate func padded(to width: Int) -> String { self + String(repeating: " ", count: max(0, width - count)) }
}
