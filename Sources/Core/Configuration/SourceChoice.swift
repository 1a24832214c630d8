/// A source of specimens that a mount shows.
package enum SourceChoice: Hashable, Sendable {
    /// The Allen Cell Types Database, or the demo's stand-in for it.
    case allen
    /// A folder of pairs, `folder:PATH[,name=NAME][,spacing=X,Y,Z]`: what stands behind the colon.
    case folder(String)

    /// The sources of a text with one a line, no two alike; nil for any other text.
    static func list(_ text: String) -> [SourceChoice]? {
        let choices = text.split(separator: "\n").compactMap { SourceChoice(String($0)) }
        let isValid = choices.count == text.split(separator: "\n").count && Set(choices).count == choices.count
        return isValid && !choices.isEmpty ? choices : nil
    }

    private init?(_ text: String) {
        if text == "allen" {
            self = .allen
        } else if let rest = text.wholeMatch(of: /folder:(.+)/)?.1 {
            self = .folder(String(rest))
        } else {
            return nil
        }
    }

    /// As the option has it.
    package var text: String {
        switch self {
        case .allen: "allen"
        case .folder(let rest): "folder:\(rest)"
        }
    }

    /// The same source with a path from the root. The path begins the text of a folder.
    func absolute() throws(ConfigurationError) -> SourceChoice {
        switch self {
        case .allen: self
        case .folder(let rest): .folder(try Paths.absolute(rest))
        }
    }
}
