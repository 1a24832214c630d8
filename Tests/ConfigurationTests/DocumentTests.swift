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

    private static func document(_ name: String) throws -> String {
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        return try String(contentsOf: root.appending(path: "docs/\(name)"), encoding: .utf8)
    }

    /// The rows of the tables of settings.
    private static func rows() throws -> [Row] {
        var isTuning = false
        var rows: [Row] = []
        for line in try document("CONFIGURATION.md").split(separator: "\n") {
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

    @Test func theManualHasEverySettingThatHelpShows() throws {
        let page = try Self.document("neuronfs.1").split(separator: ".Sh ").first { $0.hasPrefix("OPTIONS") } ?? ""
        for setting in Settings.all {
            let isThere = page.contains("Fl -\(setting.name)\n") || page.contains("Fl -\(setting.name) ")
            #expect(isThere != setting.isHidden, "\(setting.name)")
        }
    }
}
