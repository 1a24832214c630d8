import Glibc
import Support

/// The file of a user's options: a JSON object with a member for each, `{"cache_size": "200G", "offline": false}`.
package struct ConfigurationFile: Sendable {
    /// Its path; nil without a file.
    let path: String?
    /// The text of each option, by its name as options spell it.
    let values: [String: String]

    /// No file, no options.
    package static let none = ConfigurationFile(path: nil, values: [:])

    private init(path: String?, values: [String: String]) {
        self.path = path
        self.values = values
    }

    /// Reads the file that `given` names (`--config`), else `NEURONFS_CONFIG`, else the user's, which need not exist.
    ///
    /// - Throws: a sentence naming the file and the member that is wrong.
    package static func load(given: String?) throws(ConfigurationError) -> ConfigurationFile {
        if let named = given ?? Paths.environment("NEURONFS_CONFIG") { return try read(named, mayBeAbsent: false) }
        guard let path = userPath else { return none }
        return try read(path, mayBeAbsent: true)
    }

    /// `$XDG_CONFIG_HOME/neuronfs/config.json`, else `~/.config/neuronfs/config.json`.
    static var userPath: String? {
        if let base = Paths.environment("XDG_CONFIG_HOME"), base.hasPrefix("/") {
            return "\(base)/neuronfs/config.json"
        }
        guard let home = Paths.environment("HOME"), home.hasPrefix("/") else { return nil }
        return "\(home)/.config/neuronfs/config.json"
    }

    /// Most bytes of a file: many times the length of all options.
    private static let mostBytes = 1 << 20

    private static func read(_ path: String, mayBeAbsent: Bool) throws(ConfigurationError) -> ConfigurationFile {
        let bytes: [UInt8]
        do throws(RegularFileError) {
            bytes = try readRegularFile(path, limit: mostBytes)
        } catch {
            if mayBeAbsent, case .system(let errno) = error, [ENOENT, ENOTDIR].contains(errno.rawValue) { return none }
            throw ConfigurationError("cannot read the configuration \(path): \(error)")
        }
        return try parse(bytes, path: path)
    }

    /// The options in the text of a file.
    ///
    /// - Throws: a sentence naming the member that is wrong.
    static func parse(_ bytes: [UInt8], path: String) throws(ConfigurationError) -> ConfigurationFile {
        let document: JSONValue
        do throws(JSONError) {
            document = try JSONValue.parse(bytes)
        } catch {
            throw ConfigurationError("the configuration \(path) is \(error)")
        }
        guard let members = document.objectValue?.members else {
            throw ConfigurationError("the configuration \(path) is no JSON object")
        }
        var values: [String: String] = [:]
        for (key, value) in members {
            let name = key.replacing("_", with: "-")
            guard Settings.names.contains(name) else {
                throw ConfigurationError("the configuration \(path) has \"\(key)\", and there is no such option")
            }
            switch value {
            case .null: continue
            case .bool(let flag): values[name] = flag ? "true" : "false"
            case .number(let digits): values[name] = digits
            case .string(let text): values[name] = text
            case .array(let items) where Settings.isList(name) && items.allSatisfy({ $0.stringValue != nil }):
                values[name] = items.compactMap(\.stringValue).joined(separator: "\n")
            case .array, .object:
                throw ConfigurationError(
                    "\"\(key)\" in \(path) is a list or an object: write a text, a number, true or false")
            }
        }
        return ConfigurationFile(path: path, values: values)
    }
}
