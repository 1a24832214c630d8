import Foundation
import Specimens
import Support
import TestTools
import Testing

@testable import AllenSource

@Suite struct DocumentTests {
    /// Printed by simplejson 4.3.0: `dumps(loads(text))`.
    @Test(arguments: [
        ("1E5", "100000.0"), ("1.50", "1.5"), ("-0", "0"), ("-0.0", "-0.0"), ("0.0", "0.0"), ("1e16", "1e+16"),
        ("123456789012345678901234567890", "123456789012345678901234567890"), ("0.1e-6", "1e-07"), ("2.0e3", "2000.0"),
        ("9999999999999998.0", "9999999999999998.0"), ("1e15", "1000000000000000.0"), ("1e17", "1e+17"),
        ("12345678901234567.0", "1.2345678901234568e+16"), ("0.0001", "0.0001"), ("0.00001", "1e-05"),
        ("0.00012345", "0.00012345"), ("5e-324", "5e-324"), ("1.7976931348623157e308", "1.7976931348623157e+308"),
        ("9007199254740993.0", "9007199254740992.0"), ("18014398509481984.0", "1.8014398509481984e+16"),
        ("18014398509481986.0", "1.8014398509481984e+16"), ("100000000000000000000.0", "1e+20"),
        ("-53.8750038146973", "-53.8750038146973"), ("8881.0", "8881.0"), ("1.0e-05", "1e-05"),
        ("0.1671875", "0.1671875"), ("-1E-7", "-1e-07"), ("2.5e-5", "2.5e-05"),
        ("4503599627370497.5", "4503599627370498.0"), ("7", "7"),
    ])
    func numbersAsPython(_ text: String, _ expected: String) { #expect(PythonNumber.repeated(text) == expected) }

    @Test func infinityIsNull() throws {
        #expect(PythonNumber.repeated("1e400") == nil)
        #expect(PythonNumber.repeated("-1e400") == nil)
    }

    private let rows: [JSONObject] = [
        [
            "specimen__id": .int(2), "donor__species": .string("Mus musculus"), "line_name": .string(""),
            "csl__x": .number("1.0e-05"), "structure__name": .string("\"Area, layer 5\""), "zz": .null,
            "extra": .object(["a": .array([.number("1.50"), .bool(true)]), "b": .array([])]),
            "ef__ri": .number("1e400"),
        ],
        ["specimen__id": .null, "specimen__name": .string("\u{E9}\n\u{1F600}"), "m__glif": .bool(false)],
    ]

    /// Printed by simplejson 4.3.0 with `indent=2, ignore_nan=True` for the same rows.
    @Test func cellsJSONIsWhatTheOfficialClientWrites() {
        let expected = #"""
            [
              {
                "specimen__id": 2,
                "donor__species": "Mus musculus",
                "line_name": "",
                "csl__x": 1e-05,
                "structure__name": "\"Area, layer 5\"",
                "zz": null,
                "extra": {
                  "a": [
                    1.5,
                    true
                  ],
                  "b": []
                },
                "ef__ri": null
              },
              {
                "specimen__id": null,
                "specimen__name": "\u00e9\n\ud83d\ude00",
                "m__glif": false
              }
            ]
            """#
        #expect(String(decoding: CellsDocument.json(rows), as: UTF8.self) == expected)
        #expect(String(decoding: CellsDocument.json([]), as: UTF8.self) == "[]")
    }

    @Test func rowsThatAreNoTableAreRefused() {
        let keys = (0..<2000).map { JSONObject(dictionaryLiteral: ("k\($0)", .int($0))) }
        #expect(throws: CatalogueError.malformedReply("its rows have over 1000 columns")) {
            try CellsDocument.csv(keys)
        }
    }

    @Test func cellsCSVHasTheOfficialColumnsThenTheOthers() throws {
        let lines = String(decoding: try CellsDocument.csv(rows), as: UTF8.self)
        let header = CellsDocument.officialColumns.joined(separator: ",") + ",zz,extra\n"
        var first = [String](repeating: "", count: 56)
        func set(_ column: String, _ text: String) {
            if let index = CellsDocument.officialColumns.firstIndex(of: column) { first[index] = text }
        }
        set("specimen__id", "2")
        set("donor__species", "Mus musculus")
        set("line_name", "\"\"")
        set("csl__x", "1.0e-05")
        set("structure__name", "\"\"\"Area, layer 5\"\"\"")
        set("ef__ri", "1e400")
        first[55] = "\"{\"\"a\"\":[1.50,true],\"\"b\"\":[]}\""
        var second = [String](repeating: "", count: 56)
        second[2] = "\"\u{E9}\n\u{1F600}\""
        second[37] = "false"
        let expected = header + first.joined(separator: ",") + "\n" + second.joined(separator: ",") + "\n"
        #expect(lines == expected)
    }

    @Test(.enabled(if: RealData.has(OfficialTable.file))) func theOfficialCSVComesBackByteForByte() throws {
        let table = try OfficialTable.shared.get()
        #expect(CellsDocument.officialColumns == table.header)
        let rows = try OfficialTable.rows.get()
        #expect(rows.count == 2333)
        let list = try CellList(rows: rows)
        #expect(list.issues.isEmpty)
        let snapshot = list.list(at: 0, generation: 1)
        #expect(snapshot.cellsCSV == table.bytes)
        // docs/DATA.md 2, counted from the CSV by others.
        #expect(snapshot.specimens.count { $0.species == .mouse } == 1920)
        #expect(snapshot.specimens.count { $0.species == .human } == 413)
        #expect(snapshot.specimens.count(where: \.hasSkeleton) == 668)
        #expect(snapshot.specimens.count(where: \.hasImages) == 942)
        #expect(snapshot.specimens.count { $0.hasImages && !$0.hasSkeleton } == 274)
        #expect(snapshot.trainable.count == 668)
        #expect(snapshot.groups.byLayer.map(\.folder) == ["1", "2", "2-3", "3", "4", "5", "6", "6a", "6b"])
        #expect(snapshot.groups.byDendriteType.map(\.specimenIDs.count) == [1000, 120, 1213])
        #expect(Set(snapshot.groups.byName.map(\.link)).count == 2333)
        let expected = Set(
            table.records.flatMap { record in
                ["structure__acronym", "structure_parent__acronym"].compactMap { name in
                    table.header.firstIndex(of: name).flatMap { record[$0] }
                }
            })
        #expect(Set(snapshot.groups.byStructure.map(\.title)) == expected)
    }

    // MARK: - Against the genuine library

    /// What the genuine AllenSDK or, where there is none, simplejson writes for the reply `text`.
    @Test(.enabled(if: Python.path != nil)) func agreesWithTheGenuineWriter() throws {
        var generator = Seeded(15)
        var numbers: [String] = []
        for _ in 0..<4000 {
            let value = Double(bitPattern: UInt64.random(in: 0...UInt64.max, using: &generator))
            if value.isFinite { numbers.append(value.description) }
            numbers.append(
                "\(Int.random(in: -9999...9999, using: &generator))e\(Int.random(in: -30...30, using: &generator))")
            numbers.append(Double.random(in: 1e14...1e18, using: &generator).description)
            numbers.append(Double.random(in: -1e-3...1e-3, using: &generator).description)
        }
        let texts = (0..<500).map { _ in
            String(
                String.UnicodeScalarView(
                    (0..<8).compactMap { _ in
                        Unicode.Scalar(UInt32.random(in: 0...0x1_FFFF, using: &generator))
                    }))
        }
        let rows: [JSONObject] = [
            ["numbers": .array(numbers.map { .number($0) }), "texts": .array(texts.map { .string($0) })], [:],
            ["nested": .object(["empty": .array([]), "none": .null])],
        ]
        let text = JSONValue.array(rows.map { .object($0) }).text()
        #expect(try Python.write(text) == CellsDocument.json(rows))
    }

    @Test(.enabled(if: Python.path != nil && RealData.has(OfficialTable.file)))
    func theRealListAgreesWithTheGenuineWriter() throws {
        let rows = try OfficialTable.rows.get()
        let text = JSONValue.array(rows.map { .object($0) }).text()
        #expect(try Python.write(text) == SpecimenList(rows: rows, at: 0).cellsJSON)
    }
}

/// A Python that has AllenSDK or simplejson: `NEURONFS_PYTHON`, else the first on the path.
enum Python {
    private static let importLine = """
        try:
            from allensdk.core import json_utilities as u; write = u.write; loads = u.json.loads
        except ImportError:
            import simplejson as s; loads = s.loads
            write = lambda p, o: open(p, "wb").write(bytes(s.dumps(o, indent=2, ignore_nan=True), "utf-8"))
        """

    static let path: String? = {
        let named = ProcessInfo.processInfo.environment["NEURONFS_PYTHON"]
        return [named ?? "python3"].first { run($0, importLine, []) }
    }()

    /// The bytes that the library writes after reading `text`.
    static func write(_ text: String) throws -> [UInt8] {
        let folder = try TemporaryFolder()
        let source = "\(folder.path)/in.json"
        let target = "\(folder.path)/out.json"
        try folder.write(Array(text.utf8), to: source)
        let program = "\(importLine)\nimport sys\nwrite(sys.argv[2], loads(open(sys.argv[1]).read()))\n"
        let python = try #require(path)
        #expect(run(python, program, [source, target]))
        return try folder.bytes(target)
    }

    private static func run(_ python: String, _ program: String, _ arguments: [String]) -> Bool {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = [python, "-c", program] + arguments
        process.standardError = FileHandle.nullDevice
        process.standardOutput = FileHandle.nullDevice
        do { try process.run() } catch { return false }
        process.waitUntilExit()
        return process.terminationStatus == 0
    }
}
