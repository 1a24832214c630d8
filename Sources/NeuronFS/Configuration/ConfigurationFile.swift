import Glibc
import Support

/// The file in which a user keeps options: a JSON object with a member for each, `{"cache_size": "200G", "offline": false}`.
struct ConfigurationFile {
    /// Where it is; nil when there is none.
    let path: String?
    /// The text of each option, by its name as options spell it.
    let values: [String: String]

    static let none = ConfigurationFile(path: nil, values: [:])

    private init(path: String?, values: [String: String]) {
        self.path = path
        self.values = values
    }

    /// Reads the file that `given` names (`--config`), else `NEURONFS_CONFIG`, else the user's, which need not exist.
    ///
    /// - Throws: a sentence naming the file and the member that is wrong.
    static func load(given: String?) throws(Failure) -> ConfigurationFile {
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

    private static func read(_ path: String, mayBeAbsent: Bool) throws(Failure) -> ConfigurationFile {
        let bytes: [UInt8]
        do throws(Errno) {
            bytes = try readWholeFile(path)
        } catch {
            if mayBeAbsent, error.rawValue == ENOENT || error.rawValue == ENOTDIR { return none }
            throw Failure(sentence: "cannot read the configuration \(path): \(error)", code: 2)
        }
        return try parse(bytes, path: path)
    }

    static func parse(_ bytes: [UInt8], path: String) throws(Failure) -> ConfigurationFile {
        let document: JSONValue
        do throws(JSONError) {
            document = try JSONValue.parse(bytes)
        } catch {
            throw Failure(sentence: "the configuration \(path) is \(error)", code: 2)
        }
        guard let members = document.objectValue?.members else {
            throw Failure(sentence: "the configuration \(path) is no JSON object", code: 2)
        }
        var values: [String: String] = [:]
        for (key, value) in members {
            let name = key.replacing("_", with: "-")
            guard Settings.names.contains(name) else {
                throw Failure(sentence: "the configuration \(path) has \"\(key)\", but no option is called so", code: 2)
            }
            switch value {
            case .null: continue
            case .bool(let flag): values[name] = flag ? "true" : "false"
            case .number(let digits): values[name] = digits
            case .string(let text): values[name] = text
            case .array, .object:
                throw Failure(
                    sentence:
                        "\"\(key)\" in \(path) is a list or an object; a text, a number, true or false is due",
                    code: 2)
            }
        }
        return ConfigurationFile(path: path, values: values)
    }
}
