package import Support

/// The values of the settings of a mount, whichever place they come from: `settings.cacheSize` is the value of
/// ``Settings/cacheSize``.
@dynamicMemberLookup
package struct MountSettings: Sendable {
    /// Texts that their settings accept, by name. Paths are absolute.
    private let texts: [String: String]

    /// - Parameter resolution: finds the texts.
    /// - Throws: for a text that is no value, a sentence that names the text's place.
    init(_ resolution: Resolution) throws(ConfigurationError) {
        var texts: [String: String] = [:]
        for setting in Settings.shared { texts[setting.name] = try resolution.acceptedText(setting) }
        self.texts = texts
    }

    /// The value of a setting.
    package subscript<Value>(dynamicMember path: KeyPath<Settings, Setting<Value>>) -> Value {
        let setting = Settings.ofMount[keyPath: path]
        return setting.value(texts[setting.name])
    }

    /// The members of `.neuronfs/config.json`.
    package var members: JSONObject {
        var members = JSONObject()
        for case let (name, value)? in Settings.shared.map({ $0.member(texts[$0.name]) }) { members[name] = value }
        return members
    }
}
