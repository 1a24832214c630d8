import ArgumentParser
import Configuration

/// Options shared by `mount` and `demo`.
struct MountArguments: ParsableArguments {
    @OptionGroup var settings: SettingOptions

    @Option(
        help: ArgumentHelp(
            "A file of options. (default: ~/.config/neuronfs/config.json)", valueName: "file"),
        completion: .file(extensions: ["json"]))
    var config: String?

    @Option(
        name: .customShort("o"),
        help: ArgumentHelp(
            "Options as mount(8) and fstab(5) write them: cache-size=20G,allow_other.", valueName: "list"))
    var mountOptions: [String] = []

    /// Given by the command that starts a daemon. The daemon gets the settings on a descriptor (`Handover`) and reads no other
    /// place.
    @Flag(help: .hidden)
    var reportReadiness = false

    mutating func validate() throws {
        try Self.checking { () throws(ConfigurationError) in _ = try given().mountSettings() }
    }

    /// Runs `body`. ArgumentParser reports what is wrong with texts of the command line.
    static func checking(_ body: () throws(ConfigurationError) -> Void) throws(ValidationError) {
        do throws(ConfigurationError) {
            try body()
        } catch {
            throw ValidationError(error.sentence)
        }
    }

    /// The texts of the command line alone.
    func given() throws(ConfigurationError) -> Resolution {
        var resolution = Resolution(readsEnvironment: false)
        resolution.mountOptions = try MountOptionList.parse(mountOptions)
        resolution.options = settings.texts
        return resolution
    }

    /// The texts of the command line, and those of the environment and the file for settings that it does not name.
    func resolution() throws(ConfigurationError) -> Resolution {
        var resolution = try given()
        guard !reportReadiness else {
            resolution.options = try Handover.receive()
            return resolution
        }
        resolution.readsEnvironment = true
        resolution.file = try ConfigurationFile.load(given: config)
        return resolution
    }
}
