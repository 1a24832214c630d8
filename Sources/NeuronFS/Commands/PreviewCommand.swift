import ArgumentParser
import Glibc
import ImageCodec
import Support

struct PreviewCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "preview",
        abstract: "A picture of a plane beside its label.",
        discussion: """
            Reads the mount as any program would: a window around the soma from stack/ and from labels/. The left half
            is the image, the right half the image with the label drawn over it.
            """)

    @Argument(help: "A specimen's folder in a mount, or its id.")
    var specimen: String

    @Option(name: [.short, .long], help: ArgumentHelp("The PNG file to write.", valueName: "file"))
    var output: String

    @Option(help: "Plane index; the soma's without it.")
    var plane: Int?

    @Option(help: ArgumentHelp("Side of the window, px.", valueName: "px"))
    var size = 1024

    @Flag(
        help: "Also draw the picture in the terminal, as coloured blocks. Nothing is drawn where there is no terminal.")
    var terminal = false

    mutating func validate() throws {
        guard (16...8192).contains(size) else { throw ValidationError("--size is 16 to 8192") }
        let name = output.split(separator: "/").last ?? ""
        guard !name.contains(".") || name.lowercased().hasSuffix(".png") else {
            throw ValidationError("\(output) is not the name of a PNG file, which preview writes: end it with .png")
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

    /// Whether something that must not be replaced has the name `path`: a directory, a device, a pipe.
    private static func isSpecial(_ path: String) -> Bool {
        var status = stat()
        return unsafe stat(path, &status) == 0 && status.st_mode & S_IFMT != S_IFREG
    }
}
