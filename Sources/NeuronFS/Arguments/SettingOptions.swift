import ArgumentParser
import Configuration

/// The options of `mount` and `demo` that are settings, made from the declarations (`Settings.shared`).
///
/// ArgumentParser finds the options of a type in its mirror. The mirror of this type lists an option for each declaration, so
/// a new setting needs no property here. ConfigurationTests and Tests/MountTests/test_configuration.py look at the outcome.
struct SettingOptions: ParsableArguments, CustomReflectable {
    /// The texts of the command line, by the setting's name. Nothing is checked yet: the same texts may stand in the
    /// environment, in a file and in `-o`, and `Resolution` checks all of them.
    private(set) var texts: [String: String] = [:]

    init() {}

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Key.self)
        for setting in Settings.shared {
            let key = Key(stringValue: setting.name)
            texts[setting.name] =
                switch setting.form {
                case .flag:
                    try container.decode(Flag<Bool?>.self, forKey: key).wrappedValue.map { $0 ? "true" : "false" }
                case .sources:
                    try Self.lines(container.decode(Option<[String]>.self, forKey: key).wrappedValue)
                case .text, .word, .file, .directory:
                    try container.decode(Option<String?>.self, forKey: key).wrappedValue
                }
        }
    }

    private static func lines(_ texts: [String]) -> String? {
        texts.isEmpty ? nil : texts.joined(separator: "\n")
    }

    var customMirror: Mirror {
        Mirror(self, children: Settings.shared.map { (label: $0.name, value: Self.argument($0)) })
    }

    private static func argument(_ setting: any SettingDeclaration) -> Any {
        switch setting.form {
        case .flag:
            Flag<Bool?>(name: setting.specification, inversion: .prefixedNo, help: setting.argumentHelp)
        case .sources:
            Option<[String]>(
                wrappedValue: [], name: setting.specification, parsing: .singleValue, help: setting.argumentHelp)
        case .text, .word, .file, .directory: Option<String?>(setting)
        }
    }

    private struct Key: CodingKey {
        let stringValue: String
        var intValue: Int? { nil }

        init(stringValue: String) { self.stringValue = stringValue }

        init?(intValue: Int) { nil }
    }
}

extension Option where Value == String? {
    /// The option of a setting that is no flag.
    init(_ setting: any SettingDeclaration) {
        self.init(name: setting.specification, help: setting.argumentHelp, completion: setting.form.completion)
    }
}

extension SettingDeclaration {
    fileprivate var specification: NameSpecification {
        NameSpecification((letter.map { [.customShort($0)] } ?? []) + [.customLong(name)])
    }

    fileprivate var argumentHelp: ArgumentHelp {
        ArgumentHelp(
            "\(help)\(defaultText.map { " (default: \($0))" } ?? "")", valueName: form.valueName,
            visibility: isHidden ? .hidden : .default)
    }
}

extension ValueForm {
    fileprivate var valueName: String? {
        switch self {
        case .flag: nil
        case .text(let name), .word(let name, _), .file(let name), .directory(let name), .sources(let name): name
        }
    }

    fileprivate var completion: CompletionKind? {
        switch self {
        case .flag, .text, .sources: nil
        case .word(_, let words): .list(words)
        case .file: .file()
        case .directory: .directory
        }
    }
}
