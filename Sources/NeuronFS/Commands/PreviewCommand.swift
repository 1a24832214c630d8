import ArgumentParser
import Glibc
import ImageCodec
import Support

struct PreviewCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "preview",
        abstract: "Write a picture of a plane beside its labels.",
        discussion: """
            Reads a window around the soma from stack/ and labels/, as any program would. The left half is the image, the
            right half the image with the labels over it.
            """)

    @Argument(help: "A specimen's folder in a mount, or its id.")
    var specimen: String

    @Option(name: [.short, .long], help: ArgumentHelp("The PNG file to write.", valueName: "file"))
    var output: String

    @Option(help: "Plane index. (default: the plane of the soma)")
    var plane: Int?

    @Option(help: ArgumentHelp("Side of the window, px.", valueName: "px"))
    var size = 1024

    @Flag(
        help: "Also draw the picture in the terminal, if standard output is one.")
    var terminal = false

    mutating func validate() throws {
        guard (16...8192).contains(size) else { throw ValidationError("--size is 16 to 8192") }
        let name = output.split(separator: "/").last ?? ""
        guard !name.contains(".") || name.lowercased().hasSuffix(".png") else {
            throw ValidationError(
                "\(output) is not the name of a PNG file, and preview writes no other: end it with .png")
        }
    }

    func run() throws {
        let picture = try PlanePreview(folder: try MountChoice.folder(specimen), plane: plane, size: size)
        let pixels = picture.sideBySide()
        let png: [UInt8]
        do throws(ImageCodecError) {
            png = try PNG.encode(.rgb, pixels.rgb, width: pixels.width, height: pixels.height)
        } catch {
            throw Failure(sentence: "cannot make the picture: \(error)")
        }
        guard !Self.isSpecial(output) else {
            throw Failure(sentence: "\(output) exists and is no regular file: name a file", code: 2)
        }
        do throws(Errno) {
            try writeFileAtomically(png, to: output)
        } catch {
            throw Failure(sentence: "cannot write \(output): \(error)")
        }
        if terminal, let text = TerminalPicture.text(pixels) { Output.picture(text) }
        Output.line("\(output): plane \(picture.plane), \(picture.labelled) labelled pixels in the window")
    }

    /// Whether `path` is a directory, a device or a pipe, which must not be replaced.
    private static func isSpecial(_ path: String) -> Bool {
        var status = stat()
        return unsafe stat(path, &status) == 0 && status.st_mode & S_IFMT != S_IFREG
    }
}
