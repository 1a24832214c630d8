import Foundation
import Morphology
import Support
import Testing

@testable import LabelWriting

/// Names of outputs, and requests that cannot be followed.
@Suite struct RequestTests {
    @Test(arguments: [
        ("x.tif", LabelOutput.Format.volume, "x.json"), ("a.b/x.ome.tif", .volume, "a.b/x.json"),
        ("x.tiff", .volume, "x.json"), ("x.npy", .npy, "x.json"), ("x.zarr", .zarr, "x.json"),
        ("x.ome.zarr/", .zarr, "x.json"), ("x/", .planes, "x.json"), ("x.tif/", .planes, "x.tif.json"),
    ])
    func aNameSaysFormatAndReport(_ name: String, _ format: LabelOutput.Format, _ report: String) throws {
        let output = try LabelOutput(name)
        #expect(output.format == format && output.reportPath == report && !output.path.hasSuffix("/"))
    }

    @Test(arguments: ["", "x", "x.png", ".tif", ".zarr", "a.tif/x"])
    func aNameWithoutAFormatIsRefused(_ name: String) {
        #expect(sentence { _ = try LabelOutput(name) }.hasSuffix("names no format: end it in .tif, .npy, .zarr or /"))
    }

    @Test func anExistingDirectoryIsForPlanes() throws {
        let scratch = try Scratch()
        try scratch.write("", to: "planes.tif/x")
        #expect(try LabelOutput(scratch("planes.tif")).format == .planes)
    }

    private func job(
        _ scratch: Scratch, _ name: String = "x.npy", shape: SIMD3<Int> = SIMD3(40, 30, 20), units: LengthUnit? = nil,
        markers: String? = nil, variant: LabelVariant = .classes, options: LabelOptions = LabelOptions(),
        drawsMisfits: Bool = false
    ) throws -> LabelJob {
        LabelJob(
            skeletonPath: scratch("cell.swc"), markerPath: markers.map(scratch.callAsFunction), units: units,
            variant: variant, options: options,
            frame: try LabelFrame(shape: shape, spacing: SIMD3(1, 1, 1), origin: nil, like: nil), level: 0,
            drawsMisfits: drawsMisfits, output: try LabelOutput(scratch(name)))
    }

    /// The sentence of a job that is refused, which leaves `names` in the directory.
    private func refusal(_ scratch: Scratch, _ job: LabelJob) throws -> String {
        let names = try scratch.contents
        let told = sentence { _ = try job.run(warn: { _ in }, progress: { _ in true }) }
        #expect(try scratch.contents == names)
        return told
    }

    @Test(arguments: [
        ("1 1 2 2 2 0.5\n", "line 1"), ("1 1 2 2 2 0.5 -1\n2 3 2 nan 2 0.5 1\n", "line 2"), ("", "no node"),
        ("1 1 2 2 2 0.5 -1\n2 3 200 2 2 0.5 1\n", "does not fit the image (--force draws the part inside)"),
        ("1 1 20000 9000 9000 500 -1\n", "In nanometres the numbers make sense: --units nm"),
    ])
    func aSkeletonIsRefusedWithFileAndReason(_ text: String, _ reason: String) throws {
        let scratch = try Scratch()
        try scratch.write(text, to: "cell.swc")
        let told = try refusal(scratch, job(scratch))
        #expect(told.hasPrefix(scratch("cell.swc")) && told.contains(reason))
    }

    @Test func anInputThatCannotBeReadIsNamed() throws {
        let scratch = try Scratch()
        #expect(try refusal(scratch, job(scratch)) == "cannot read \(scratch("cell.swc")): No such file or directory")
        try scratch.write("1 1 2 2 2 0.5 -1\n", to: "cell.swc")
        try scratch.write("a,b\n", to: "marks")
        let told = try refusal(scratch, job(scratch, markers: "marks", variant: .ignore))
        #expect(told.hasPrefix("\(scratch("marks")): line 1"))
        #expect(
            sentence { _ = try LabelInput.contents("/dev/zero") }
                == "/dev/zero is longer than 256 MiB, the most that is read of such a file")
    }

    @Test func theReportOfAnotherFileIsKept() throws {
        let scratch = try Scratch()
        try scratch.write("1 1 2 2 2 0.5 -1\n", to: "cell.swc")
        let remedy = ": remove it or choose another name"
        for (text, reason) in [
            ("mine", "exists and cannot be read"), (#"{"mine": 1}"#, "was not written by neuronfs label" + remedy),
            (#"{"format": "neuronfs label 1", "file": "x.tif"}"#, "describes x.tif, not x.npy" + remedy),
        ] {
            try scratch.write(text, to: "x.json")
            let told = try refusal(scratch, job(scratch))
            #expect(told.hasPrefix("\(scratch("x.json")) exists and ") && told.contains(reason))
            #expect(try scratch.text("x.json") == text)
        }
        try scratch.write(#"{"format": "neuronfs label 1", "file": "x.npy"}"#, to: "x.json")
        _ = try job(scratch).run(warn: { _ in }, progress: { _ in true })
        #expect(try scratch.json("x.json")["variant"] == .string("classes"))
    }

    @Test func aVolumeThatAFormatCannotHoldIsRefused() throws {
        let scratch = try Scratch()
        try scratch.write("1 1 2 2 2 0.5 -1\n", to: "cell.swc")
        let large = SIMD3(65_536, 65_536, 5)
        #expect(
            try refusal(scratch, job(scratch, "x/", shape: large)).hasSuffix("; .npy and .zarr can hold it"))
        #expect(
            try refusal(scratch, job(scratch, shape: SIMD3(70_000, 9, 5))).contains("the voxel grid cannot be used"))
        var options = LabelOptions()
        options.clip = 0
        #expect(
            try refusal(scratch, job(scratch, variant: .distance, options: options))
                .contains("the label option cannot be used"))
    }

    @Test func anErrorHasItsCause() {
        let error = LabelWritingError.cannotWrite("x", Errno(rawValue: EFBIG))
        #expect(error.cause as? Errno == Errno(rawValue: EFBIG))
        #expect(
            error.description
                == "cannot write x: File too large; raise the limit on the size of files (ulimit -f)")
    }
}
