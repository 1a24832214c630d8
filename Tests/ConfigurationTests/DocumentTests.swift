import Foundation
import Testing

@testable import Configuration

/// docs/CONFIGURATION.md and docs/neuronfs.1 against the declarations. What `--help` prints is compared with the document by
/// Tests/MountTests/test_configuration.py.
@Suite struct DocumentTests {
    private struct Row {
        /// `--cache-size SIZE`, `NEURONFS_CACHE_SIZE`, `50G`, and the explanation, without backquotes.
        var option, variable, fallback, text: String
        /// Whether the row is in the section of options that `--help` leaves out.
        var isTuning: Bool
    }

    private static func place(_ name: String) -> URL {
        let tests = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        return tests.deletingLastPathComponent().appending(path: "docs/\(name)")
    }

    private static func text(_ name: String) throws -> String { try String(contentsOf: place(name), encoding: .utf8) }

    /// The rows of the tables of settings.
    private static func rows() throws -> [Row] {
        var isTuning = false
        var rows: [Row] = []
        for line in try text("CONFIGURATION.md").split(separator: "\n") {
            if line.hasPrefix("### ") { isTuning = line == "### Tuning" }
            guard line.hasPrefix("| `-") else { continue }
            let cells = line.replacing("`", with: "").split(separator: "|").map {
                String($0.drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
            }
            try #require(cells.count == 4)
            rows.append(
                Row(option: cells[0], variable: cells[1], fallback: cells[2], text: cells[3], isTuning: isTuning))
        }
        return rows
    }

    private static func spelling(_ setting: any SettingDeclaration) -> String {
        (setting.letter.map { "-\($0), " } ?? "") + "--\(setting.name)"
    }

    @Test func theTableHasEverySettingOnceInTheirOrder() throws {
        let rows = try Self.rows()
        let options = rows.map { $0.option.split(separator: " ").filter { $0.hasPrefix("-") }.joined(separator: " ") }
        #expect(options == Settings.all.map(Self.spelling))
        #expect(rows.map(\.variable) == Settings.all.map(\.variable))
        #expect(rows.map(\.isTuning) == Settings.all.map(\.isHidden))
    }

    @Test func theTableHasDefaultsLimitsAndWords() throws {
        for (row, setting) in zip(try Self.rows(), Settings.all) {
            #expect(row.option == Self.spelling(setting) || setting.form != .flag)
            #expect(row.fallback.hasPrefix(setting.defaultText ?? "no"), "\(setting.name)")
            if let limits = setting.limits { #expect(row.text.contains(limits), "\(setting.name)") }
            if case .word(_, let words) = setting.form {
                #expect(row.text.hasSuffix(words.joined(separator: ", ")), "\(setting.name)")
            }
        }
    }

    /// The entries of the manual, in mdoc(7).
    private static var manual: String {
        Settings.shared.filter { !$0.isHidden }.map { setting in
            let letter = setting.letter.map { "\($0) , Fl " } ?? ""
            let value =
                switch setting.form {
                case .flag: " , Fl -no-\(setting.name)"
                case .text(let name), .file(let name), .directory(let name), .sources(let name): " Ar \(name)"
                case .word(_, let words): " Cm " + words.joined(separator: " | ")
                }
            let fallback = setting.defaultText.map { " (default: \($0))" } ?? ""
            return ".It Fl \(letter)-\(setting.name)\(value)\n\(setting.help.dropLast())\(fallback).\n"
        }.joined()
    }

    /// `make manual` writes the entries; another run compares.
    @Test func theManualHasTheHelpOfEverySetting() throws {
        var page = try Self.text("neuronfs.1")
        let first = try #require(page.firstRange(of: ".\\\" Settings: `make manual` writes these entries.\n"))
        let last = try #require(page.firstRange(of: ".\\\" End of settings.\n"))
        let entries = first.upperBound..<last.lowerBound
        if ProcessInfo.processInfo.environment["NEURONFS_WRITE_MANUAL"] != nil {
            page.replaceSubrange(entries, with: Self.manual)
            try page.write(to: Self.place("neuronfs.1"), atomically: true, encoding: .utf8)
        } else {
            #expect(page[entries] == Self.manual, "run make manual")
        }
    }
}
