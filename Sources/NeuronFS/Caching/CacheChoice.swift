import ArgumentParser
import BlockStore
import Configuration
import Support

/// Which cache a command is about: options shared by the `cache` commands.
struct CacheChoice: ParsableArguments {
    @Option(
        help: ArgumentHelp("The cache's directory; without it the one that mount would use.", valueName: "dir"),
        completion: .directory)
    var cacheDir: String?

    @Flag(help: "The demo's cache.")
    var demo = false

    @Option(
        help: ArgumentHelp("A file of options. (default: ~/.config/neuronfs/config.json)", valueName: "file"),
        completion: .file(extensions: ["json"]))
    var config: String?

    /// The directory, by the rules of `mount` and `demo`.
    func directory() throws(Failure) -> String {
        do throws(ConfigurationError) {
            return try directory(Resolution(file: try ConfigurationFile.load(given: config)))
        } catch {
            throw Failure(error)
        }
    }

    /// The directory where `resolution` says what the environment and the file say.
    func directory(_ resolution: Resolution) throws(ConfigurationError) -> String {
        var resolution = resolution
        resolution.options[Settings.ofMount.cacheDir.name] = cacheDir
        return try resolution.cacheDirectory().path(isDemo: demo)
    }

    /// The cache of the mount that `path` lies in, unless an option names another.
    ///
    /// - Throws: `Failure` 2 when the mount is somebody else's, whose word does not choose a directory for this user.
    func directory(of path: MountedPath) throws(Failure) -> String {
        if cacheDir != nil || demo { return try directory() }
        guard path.mount.isTrusted else {
            throw Failure(
                sentence: "the mount on \(path.mount.path) was made by \(path.mount.ownerText), and its word does not "
                    + "choose a directory for you: name the cache with --cache-dir", code: 2)
        }
        guard let directory = MountStatus.read(path.mount.path)?["cache"]?["directory"]?.stringValue else {
            throw Failure(
                sentence: "the mount on \(path.mount.path) does not say where its cache is: name it with --cache-dir")
        }
        return directory
    }

    /// The status of the mount that has the cache in `directory` open; nil when there is none.
    static func mount(using directory: String) throws(Failure) -> JSONValue? {
        let mounts = try MountTable.neuronFS().filter(\.isTrusted)
        let statuses = MountState.all(of: mounts).lazy.compactMap { mount, state in
            if case .alive(let status) = state { status } else { nil }
        }
        return statuses.first { $0["cache"]?["directory"]?.stringValue == directory }
    }

    /// Runs `body`, its error told in one sentence.
    static func telling<R>(_ body: () throws(CacheError) -> R) throws(Failure) -> R {
        do throws(CacheError) {
            return try body()
        } catch {
            throw Failure(sentence: "\(error)")
        }
    }
}

/// The cache that a command works on, which may also be named by its place.
struct CachePlace: ParsableArguments {
    @Argument(help: "The cache's directory, or a mount, whose cache is meant.", completion: .directory)
    var place: String?

    @OptionGroup var choice: CacheChoice

    mutating func validate() throws {
        guard place == nil || (choice.cacheDir == nil && !choice.demo) else {
            throw ValidationError("name one cache: by its place, by --cache-dir or by --demo")
        }
    }

    /// An inspector of ``directory()``, with the rights of the directory's owner.
    func inspector() throws(Failure) -> (directory: String, inspector: CacheInspector) {
        let directory = try directory()
        try CacheRights.become(ownerOf: [directory])
        return (directory, CacheInspector(directory: directory))
    }

    /// The directory of the cache.
    func directory() throws(Failure) -> String {
        guard let place else { return try choice.directory() }
        let absolute = try MountTable.absolute(place)
        if try MountTable.mount(onTheWayTo: place) != nil, let path = try MountedPath.findAnswering(place) {
            return try choice.directory(of: path)
        }
        return absolute
    }
}
