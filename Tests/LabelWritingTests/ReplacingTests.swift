import Foundation
import Support
import Testing

@testable import LabelWriting

/// An output appears when it is complete. Until then an earlier one stays, and nothing is left behind.
@Suite struct ReplacingTests {
    @Test func aFileIsReplacedWhenItIsComplete() throws {
        let scratch = try Scratch()
        try scratch.write("old", to: "x")
        var file = try TemporaryFile(for: scratch("x"))
        try file.file.write(Array("new".utf8), at: 2)
        #expect(try scratch.text("x") == "old" && scratch.contents.count == 2)
        try file.commit()
        #expect(try scratch.text("x") == "\0\0new" && scratch.contents == ["x"])
    }

    @Test func aFileThatIsGivenUpLeavesTheOldOne() throws {
        let scratch = try Scratch()
        try scratch.write("old", to: "x")
        do {
            let file = try TemporaryFile(for: scratch("x"))
            try file.file.write([1], at: 0)
        }
        #expect(try scratch.text("x") == "old" && scratch.contents == ["x"])
    }

    @Test func aDirectoryAppearsWhenItIsComplete() throws {
        let scratch = try Scratch()
        var folder = try TemporaryFolder(for: scratch("x"))
        try folder.write([1], to: "a/b/c")
        try folder.write([2], to: "a/d")
        #expect(try !scratch.contents.contains("x"))
        try folder.commit()
        #expect(try scratch.contents == ["x", "x/a", "x/a/b", "x/a/b/c", "x/a/d"] && scratch.bytes("x/a/b/c") == [1])
    }

    @Test(arguments: [true, false])
    func aDirectoryThatIsGivenUpLeavesNothing(exists: Bool) throws {
        let scratch = try Scratch()
        if exists { try FileManager.default.createDirectory(atPath: scratch("x"), withIntermediateDirectories: false) }
        do {
            var folder = try TemporaryFolder(for: scratch("x"))
            try folder.write([1], to: "a/b/c")
        }
        #expect(try scratch.contents == (exists ? ["x"] : []))
    }

    /// An empty directory that exists may be the working directory: it keeps its inode.
    @Test func anEmptyDirectoryIsFilledInItsPlace() throws {
        let scratch = try Scratch()
        try FileManager.default.createDirectory(atPath: scratch("x"), withIntermediateDirectories: false)
        var (before, after) = (stat(), stat())
        #expect(stat(scratch("x"), &before) == 0)
        var folder = try TemporaryFolder(for: scratch("x"))
        try folder.write([1], to: "a/b")
        try folder.write([2], to: "c")
        try folder.commit()
        #expect(stat(scratch("x"), &after) == 0 && before.st_ino == after.st_ino)
        #expect(try scratch.contents == ["x", "x/a", "x/a/b", "x/c"])
    }

    /// Another program puts something into the directory meanwhile: its file stays, ours go.
    @Test func aCommitThatFailsRemovesWhatItPlaced() throws {
        let scratch = try Scratch()
        try FileManager.default.createDirectory(atPath: scratch("x"), withIntermediateDirectories: false)
        let told = try {
            var folder = try TemporaryFolder(for: scratch("x"))
            try folder.write([1], to: "a/b")
            try folder.write([2], to: "c")
            try scratch.write("theirs", to: "x/c/d")
            return sentence(.output) { try folder.commit() }
        }()
        #expect(told == "cannot write \(scratch("x"))/c: Is a directory")
        #expect(try scratch.contents == ["x", "x/c", "x/c/d"])
    }

    @Test func aPlaceThatIsTakenIsRefused() throws {
        let scratch = try Scratch()
        try scratch.write("mine", to: "file")
        try scratch.write("mine", to: "full/0000.tif")
        #expect(
            sentence { _ = try TemporaryFolder(for: scratch("file")) }.contains("is a file, and the output is a dir"))
        #expect(
            sentence { _ = try TemporaryFolder(for: scratch("full")) }.contains("is not empty: remove it or choose"))
        let told = sentence(.output) { _ = try TemporaryFile(for: scratch("none/x")) }
        #expect(told.hasPrefix("cannot write ") && told.hasSuffix(": No such file or directory"))
        #expect(sentence(.output) { _ = try TemporaryFolder(for: scratch("none/x")) }.hasPrefix("cannot write "))
        #expect(try scratch.text("file") == "mine" && scratch.contents == ["file", "full", "full/0000.tif"])
    }
}
