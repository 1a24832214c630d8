import ArgumentParser
import BlockStore
import Configuration
import Support

/// Options of the `cache` commands that choose the cache.
struct CacheChoice: ParsableArguments {
    @Option(
        help: ArgumentHelp("The cache's directory. (default: the one that mount would use)", valueName: "dir"),
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

    /// The directory by the rules of `mount` and `demo`, with the environment and the file of `resolution`.
    func directory(_ resolution: Resolution) throws(ConfigurationError) -> String {
        var resolution = resolution
        resolution.options[Settings.ofMount.cacheDir.name] = cacheDir
        return try resolution.cacheDirectory().path(isDemo: demo)
    }

    /// The cache of the mount that `path` lies in, unless an option names another.
    ///
    /// - Throws: `Failure` 2 when the mount is another user's: its status must not choose a directory for this user.
    func directory(of path: MountedPath) throws(Failure) -> String {
        if cacheDir != nil || demo { return try directory() }
        guard path.mount.isTrusted else {
            throw Failure(
                sentence: "\(path.mount.path) was mounted by \(path.mount.ownerText), whose mounts do not choose a "
                    + "directory for you: name the cache with --cache-dir", code: 2)
        }
        guard let directory = MountStatus.read(path.mount.path)?["cache"]?["directory"]?.stringValue else {
            throw Failure(
                sentence: "the mount on \(path.mount.path) does not name its cache: name it with --cache-dir")
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

    /// Runs `body`, and turns its error into one sentence.
    static func telling<R>(_ body: () throws(CacheError) -> R) throws(Failure) -> R {
        do throws(CacheError) {
            return try body()
        } catch {
            throw Failure(sentence: "\(error)")
        }
    }
}

/// Options that choose the cache, and its place as an argument.
struct CachePlace: ParsableArguments {
    @Argument(help: "The cache's directory, or a mount that uses the cache.", completion: .directory)
    var place: String?

    @OptionGroup var choice: CacheChoice

    mutating func validate() throws {
        guard place == nil || (choice.cacheDir == nil && !choice.demo) else {
            throw ValidationError("name one cache: by its directory or mount, by --cache-dir, or by --demo")
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
