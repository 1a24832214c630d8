package import Support

/// How the value of an option is written on the command line.
package enum ValueForm: Equatable, Sendable {
    /// No value: the option alone means true, and `--no-NAME` means false.
    case flag
    /// Any text. `name` stands for it in the help: `--cache-size <name>`.
    case text(name: String)
    /// One of `words`.
    case word(name: String, words: [String])
    /// The path of a file.
    case file(name: String)
    /// The path of a directory.
    case directory(name: String)
    /// Sources, as ``SourceChoice`` writes them. The option may be repeated, and a text has one a line.
    case sources(name: String)

    /// Whether the value is a path, which ``Resolution`` makes absolute.
    package var isPath: Bool {
        switch self {
        case .file, .directory: true
        case .flag, .text, .word, .sources: false
        }
    }
}

/// What is declared of one setting, without the type of its values.
///
/// The option is `--cache-size`, the variable `NEURONFS_CACHE_SIZE`, the member of the configuration file `cache_size`, and
/// the word of `-o` either `cache-size` or `cache_size`.
package protocol SettingDeclaration: Sendable {
    /// `cache-size`: all other spellings follow from it.
    var name: String { get }
    /// A second name of one letter on the command line: `-f`.
    var letter: Character? { get }
    var form: ValueForm { get }
    /// The sentence of `--help`, without the default.
    var help: String { get }
    /// The default as `--help` and docs/CONFIGURATION.md write it; nil for a flag, which is off.
    var defaultText: String? { get }
    /// The least and the greatest number, `1 to 64`; nil for other values.
    var limits: String? { get }
    /// Whether `--help` leaves the option out.
    var isHidden: Bool { get }
    /// The end of the sentence "--cache-size is ...".
    var expected: String { get }
    /// Whether `text` is a value of the setting.
    func accepts(_ text: String) -> Bool
    /// The member of `.neuronfs/config.json` for the value `text`, or for the default; nil for a setting that is not shown.
    func member(_ text: String?) -> (name: String, value: JSONValue)?
}

extension SettingDeclaration {
    /// `NEURONFS_CACHE_SIZE`.
    package var variable: String { Resolution.variable(name) }
}

/// One setting of a mount. Everything that the program and the documents need of it is declared here, except its use.
package struct Setting<Value: Sendable>: SettingDeclaration {
    package let name: String
    package var letter: Character?
    package let form: ValueForm
    package let help: String
    package let defaultText: String?
    package var limits: String?
    package var isHidden = false
    package let expected: String
    /// The value without a text in any place.
    package let fallback: Value
    /// The value that a text stands for; nil when it stands for none.
    package let parse: @Sendable (String) -> Value?
    /// What the name of the member in `.neuronfs/config.json` ends in: `_bytes`.
    var unit = ""
    /// The value in `.neuronfs/config.json`; nil for a setting that is not shown there.
    var json: (@Sendable (Value) -> JSONValue)?

    package func accepts(_ text: String) -> Bool { parse(text) != nil }

    package func member(_ text: String?) -> (name: String, value: JSONValue)? {
        json.map { (name.replacing("-", with: "_") + unit, $0(value(text))) }
    }

    /// The value for `text`, or the default where there is none. The text must be accepted.
    func value(_ text: String?) -> Value { text.flatMap(parse) ?? fallback }
}

// The kinds of settings.

extension Setting where Value == Bool {
    /// A setting that is on or off, and off by default.
    static func flag(_ name: String, _ help: String, letter: Character? = nil, isShown: Bool = true) -> Self {
        var setting = Setting(
            name: name, letter: letter, form: .flag, help: help, defaultText: nil, expected: "true or false",
            fallback: false, parse: truth)
        if isShown { setting.json = { .bool($0) } }
        return setting
    }

    private static func truth(_ text: String) -> Bool? {
        switch text.lowercased() {
        case "true", "yes", "on", "1": true
        case "false", "no", "off", "0": false
        default: nil
        }
    }
}

extension Setting where Value == ByteCount {
    /// A number of bytes.
    static func size(_ name: String, _ help: String, default fallback: ByteCount) -> Self {
        Setting(
            name: name, form: .text(name: "size"), help: help, defaultText: fallback.text,
            expected: "a size such as 500M or 50G", fallback: fallback, parse: { ByteCount(argument: $0) },
            unit: "_bytes", json: { .int($0.bytes) })
    }
}

extension Setting where Value == Double {
    /// A duration in seconds.
    static func seconds(
        _ name: String, _ help: String, in range: ClosedRange<Double>, default fallback: Double, isHidden: Bool = false
    ) -> Self {
        let limits = "\(short(range.lowerBound)) to \(short(range.upperBound))"
        return Setting(
            name: name, form: .text(name: "seconds"), help: help, defaultText: short(fallback), limits: limits,
            isHidden: isHidden, expected: "\(limits) seconds", fallback: fallback,
            parse: { text in Double(text).flatMap { range.contains($0) ? $0 : nil } }, unit: "_seconds",
            json: { .double($0) })
    }

    private static func short(_ value: Double) -> String {
        value == value.rounded() ? String(Int(value)) : String(value)
    }
}

extension Setting where Value == Int {
    /// A whole number.
    static func count(
        _ name: String, _ help: String, in range: ClosedRange<Int>, default fallback: Int, isHidden: Bool = false
    ) -> Self {
        let limits = "\(range.lowerBound) to \(range.upperBound)"
        return Setting(
            name: name, form: .text(name: "n"), help: help, defaultText: String(fallback), limits: limits,
            isHidden: isHidden, expected: limits, fallback: fallback,
            parse: { text in Int(text).flatMap { range.contains($0) ? $0 : nil } }, json: { .int($0) })
    }
}

extension Setting where Value == String? {
    /// A path, absolute once it is resolved. An empty text is none.
    static func path(_ name: String, _ form: ValueForm, _ help: String, expected: String, default text: String) -> Self
    {
        Setting(
            name: name, form: form, help: help, defaultText: text, expected: expected, fallback: nil,
            parse: { text in text.isEmpty ? nil : .some(text) })
    }
}

extension Setting where Value == UInt32? {
    /// The number of a user or a group.
    static func identity(_ name: String, _ help: String, expected: String, default text: String) -> Self {
        Setting(
            name: name, form: .text(name: name), help: help, defaultText: text, expected: expected, fallback: nil,
            parse: { text in UInt32(text).map { .some($0) } })
    }
}
