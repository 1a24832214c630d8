/// Finds the text of each setting. The first place that has one wins: the command line, `-o`, the environment, the file. Without
/// any, the default counts.
package struct Resolution: Sendable {
    /// The texts of the command line, by the option's name.
    package var options: [String: String] = [:]
    /// The texts of `-o`.
    package var mountOptions: [String: String] = [:]
    /// Whether the environment is read.
    package var readsEnvironment: Bool
    /// The user's file.
    package var file: ConfigurationFile

    /// A resolution without texts of the command line and of `-o`, which are set afterwards.
    package init(readsEnvironment: Bool = true, file: ConfigurationFile = .none) {
        self.readsEnvironment = readsEnvironment
        self.file = file
    }

    /// Where a text stands.
    enum Place {
        case option, mountOption, environment, file(String)

        /// "--cache-size", "NEURONFS_CACHE_SIZE", "cache_size" in a file.
        func naming(_ name: String) -> String {
            switch self {
            case .option: "--\(name)"
            case .mountOption: "-o \(name)"
            case .environment: Resolution.variable(name)
            case .file(let path): "\"\(name.replacing("-", with: "_"))\" in \(path)"
            }
        }
    }

    /// `NEURONFS_CACHE_SIZE` for `cache-size`.
    static func variable(_ name: String) -> String { "NEURONFS_" + name.uppercased().replacing("-", with: "_") }

    /// The text given for the setting `name`, from the first place that has one.
    func text(_ name: String) -> (text: String, place: Place)? {
        if let text = options[name] { return (text, .option) }
        if let text = mountOptions[name] { return (text, .mountOption) }
        if readsEnvironment, let text = Paths.environment(Self.variable(name)) { return (text, .environment) }
        if let text = file.values[name] { return (text, .file(file.path ?? "the configuration")) }
        return nil
    }

    /// The texts of all settings that have one, by the option's name. A daemon gets them, and reads no other place.
    package var texts: [String: String] {
        var texts: [String: String] = [:]
        for name in Settings.names { texts[name] = text(name)?.text }
        return texts
    }

    /// The text given for `setting`; nil where no place has one. A path is made absolute. A relative path in a file would
    /// depend on the reader's working directory, so it must begin with `/` or `~/`.
    ///
    /// - Throws: for a text that is no value, a sentence that names the text's place.
    func acceptedText(_ setting: any SettingDeclaration) throws(ConfigurationError) -> String? {
        guard let (text, place) = text(setting.name) else { return nil }
        guard setting.accepts(text) else {
            // A text with an @ may hold a password, whichever option it was meant for.
            let shown = text.contains("@") ? "what was given, which is not shown" : "\"\(text)\""
            throw ConfigurationError("\(place.naming(setting.name)) is \(setting.expected), not \(shown)")
        }
        if case .sources = setting.form { return try absolute(text, place) }
        guard setting.form.isPath else { return text }
        guard case .file = place, !text.hasPrefix("/") else { return try Paths.absolute(text) }
        guard text.hasPrefix("~/"), let home = Paths.environment("HOME") else {
            throw ConfigurationError("\(place.naming(setting.name)) is a path from / or ~/, not \"\(text)\"")
        }
        return home + text.dropFirst()
    }

    /// The text of sources with paths from the root.
    private func absolute(_ text: String, _ place: Place) throws(ConfigurationError) -> String {
        var choices: [SourceChoice] = []
        for choice in SourceChoice.list(text) ?? [] {
            if case .file = place, case .folder(let rest) = choice, !rest.hasPrefix("/") {
                throw ConfigurationError("\(place.naming("source")) has a path from /, not \"\(choice.text)\"")
            }
            choices.append(try choice.absolute())
        }
        return choices.map(\.text).joined(separator: "\n")
    }

    /// The value of `setting`.
    ///
    /// - Throws: for a text that is no value, a sentence that names the text's place.
    package func value<Value>(_ setting: Setting<Value>) throws(ConfigurationError) -> Value {
        setting.value(try acceptedText(setting))
    }

    /// The directory named for the cache, for all mounts (environment, file) or for this one.
    package func cacheDirectory() throws(ConfigurationError) -> CacheDirectory {
        let setting = Settings.ofMount.cacheDir
        guard let path = try value(setting) else { return .standard }
        switch text(setting.name)?.place {
        case .environment, .file: return .general(path)
        default: return .exact(path)
        }
    }

    /// The values of all settings that `mount` and `demo` share.
    package func mountSettings() throws(ConfigurationError) -> MountSettings { try MountSettings(self) }
}
