import Foundation
import Morphology
import Support
import TestTools
import Testing

@testable import LabelWriting

/// Whole jobs on a small grid, voxel by voxel against the definition of the labels, evaluated here.
@Suite struct LabelJobTests {
    static let (width, height, depth) = (23, 17, 9)
    static let spacing = SIMD3(0.25, 0.5, 1)
    static let origin = SIMD3(2.0, -1, 3)

    /// A soma of 1.3 um and two pieces of a dendrite of constant radius, so that every solid is a ball or a capsule.
    static let skeleton = "1 1 3.01 3.33 6.1 1.3 -1\n2 3 5.07 1.21 7.9 0.31 1\n3 3 1.13 6.07 9.83 0.31 2\n"
    private static let soma = SIMD3(3.01, 3.33, 6.1)
    private static let dendrite = [soma, SIMD3(5.07, 1.21, 7.9), SIMD3(1.13, 6.07, 9.83)]

    /// The voxels (z, y, x) of a pyramid level: 1 in the soma, else 3 in the dendrite, where a radius is at least half a
    /// voxel's diagonal.
    private static func expected(level: Int, hasFloor: Bool = true) -> [UInt8] {
        let step = Double(1 << level)
        let size = spacing * SIMD3(step, step, 1)
        let floor = hasFloor ? 0.5 * (size * size).sum().squareRoot() : 0
        var voxels: [UInt8] = []
        for z in 0..<depth {
            for y in 0..<((height + (1 << level) - 1) >> level) {
                for x in 0..<((width + (1 << level) - 1) >> level) {
                    let shift = SIMD3((step - 1) / 2, (step - 1) / 2, 0)
                    let place = SIMD3(Double(x), Double(y), Double(z)) * SIMD3(step, step, 1) + shift + origin
                    let point = place * spacing
                    let isDendrite = zip(dendrite, dendrite.dropFirst()).contains { from, to in
                        distance(point, from, to) <= max(0.31, floor) + 1e-6
                    }
                    voxels.append(distance(point, soma, soma) <= max(1.3, floor) + 1e-6 ? 1 : isDendrite ? 3 : 0)
                }
            }
        }
        return voxels
    }

    /// The distance of `point` to the line from `a` to `b`.
    private static func distance(_ point: SIMD3<Double>, _ a: SIMD3<Double>, _ b: SIMD3<Double>) -> Double {
        let along = b - a
        let length = (along * along).sum()
        let t = length == 0 ? 0 : min(1, max(0, ((point - a) * along).sum() / length))
        let rest = point - a - along * t
        return (rest * rest).sum().squareRoot()
    }

    private func job(
        _ scratch: Scratch, _ name: String, variant: LabelVariant = .classes, level: Int = 0, hasFloor: Bool = true
    ) throws -> LabelJob {
        var options = LabelOptions()
        options.radiusFloor = hasFloor
        return LabelJob(
            skeletonPath: scratch("cell.swc"), markerPath: nil, units: nil, variant: variant, options: options,
            frame: try LabelFrame(
                shape: SIMD3(Self.width, Self.height, Self.depth), spacing: Self.spacing, origin: Self.origin, like: nil
            ),
            level: level, drawsMisfits: true, output: try LabelOutput(scratch(name)))
    }

    private func prepared() throws -> Scratch {
        let scratch = try Scratch()
        try scratch.write(Self.skeleton, to: "cell.swc")
        return scratch
    }

    @discardableResult private func run(_ job: LabelJob) throws -> LabelJob.Outcome {
        try job.run(warn: { Issue.record("a warning: \($0)") }, progress: { _ in true })
    }

    /// The values of a `.npy` of one byte a voxel.
    private func array(_ scratch: Scratch, _ name: String, count: Int) throws -> [UInt8] {
        Array(try scratch.bytes(name).suffix(count))
    }

    @Test(arguments: [(0, true), (0, false), (1, true), (2, true)])
    func voxelsFollowTheDefinition(level: Int, hasFloor: Bool) throws {
        let scratch = try prepared()
        let outcome = try run(job(scratch, "x.npy", level: level, hasFloor: hasFloor))
        let expected = Self.expected(level: level, hasFloor: hasFloor)
        #expect(try array(scratch, "x.npy", count: expected.count) == expected)
        #expect(Set(expected) == [0, 1, 3] && outcome.labelled == expected.count { $0 != 0 })
    }

    @Test func everyFormatHoldsTheSame() throws {
        let scratch = try prepared()
        let expected = Self.expected(level: 0)
        for name in ["a.npy", "b.tif", "c/", "d.zarr"] { try run(job(scratch, name)) }
        #expect(try array(scratch, "a.npy", count: expected.count) == expected)
        #expect(try LibTIFF(path: scratch("b.tif")).pages.flatMap(\.pixels) == expected)
        let planes = try (0..<Self.depth).flatMap {
            try LibTIFF(path: scratch("c/000\($0).tif")).pages.flatMap(\.pixels)
        }
        #expect(planes == expected)
        // Smaller than a chunk in every direction, so the chunk is the volume.
        #expect(try scratch.bytes("d.zarr/0/0/0/0") == expected)
        let reports = ["a", "b", "c", "d"].map { "\($0).json" }
        #expect(try scratch.contents.filter { $0.hasSuffix(".json") } == reports)
    }

    @Test func theReportDescribesTheVolume() throws {
        let scratch = try prepared()
        try run(job(scratch, "x.npy", level: 1))
        let report = try scratch.json("x.json")
        let expected = Self.expected(level: 1)
        #expect(report["format"] == .string("neuronfs label 1") && report["file"] == .string("x.npy"))
        #expect(report["stored_as"] == .string("NPY 1.0") && report["variant"] == .string("classes"))
        #expect(report["dtype"] == .string("uint8") && report["level"]?.intValue == 1)
        #expect(report["shape"]?.arrayValue?.compactMap(\.intValue) == [9, 9, 12])
        for member in ["spacing", "voxel_spacing_um"] {
            #expect(report[member]?.arrayValue?.compactMap(\.doubleValue) == [1, 1, 0.5])
        }
        #expect(report["first_voxel_centre_um"]?.arrayValue?.compactMap(\.doubleValue) == [3, -0.25, 0.625])
        #expect(report["voxels"]?["1"]?.intValue == expected.count { $0 == 1 })
        #expect(report["voxels"]?["3"]?.intValue == expected.count { $0 == 3 } && report["voxels"]?["0"] == nil)
        #expect(report["values"]?["3"] == .string("basal dendrite") && report["spacing_from"] == .string("--spacing"))
        #expect(report["skeleton"]?["nodes"]?.intValue == 3 && report["skeleton"]?["file"] == .string("cell.swc"))
    }

    @Test func sectionsHaveTwoByteIds() throws {
        let scratch = try prepared()
        try run(job(scratch, "x.npy", variant: .instance))
        let expected = Self.expected(level: 0).flatMap { [$0 == 3 ? 2 : $0, 0] }
        #expect(try array(scratch, "x.npy", count: expected.count) == expected)
        let sections = try #require(try scratch.json("x.json")["sections"]?.arrayValue)
        #expect(sections.map { $0["id"]?.intValue } == [1, 2] && sections.map { $0["class"]?.intValue } == [1, 3])
    }

    /// The caller may stop a job at every step. What was there before stays.
    @Test(arguments: ["x.npy", "x.tif", "x/", "x.zarr"], 0..<3)
    func aStoppedJobLeavesNothing(_ name: String, step: Int) throws {
        let scratch = try prepared()
        let isFile = !name.hasSuffix("/") && !name.hasSuffix(".zarr")
        if isFile { try scratch.write("old", to: name) }
        // The three levels of this Zarr would be one chunk each: a job of one step.
        var calls = 0
        let told = try {
            let job = try job(scratch, name)
            return sentence(.stopped) {
                _ = try job.run(warn: { _ in }) { progress in
                    calls += 1
                    return progress.done < min(step, progress.total)
                }
            }
        }()
        #expect(told == "interrupted: nothing was written" && calls > 0)
        #expect(try scratch.contents == (isFile ? ["cell.swc", name] : ["cell.swc"]))
        if isFile { #expect(try scratch.text(name) == "old") }
    }

    @Test func progressCountsPlanes() throws {
        let scratch = try prepared()
        var steps: [Int] = []
        _ = try job(scratch, "x.tif").run(warn: { _ in }) {
            #expect($0.unit == .planes && $0.total == Self.depth)
            steps.append($0.done)
            return true
        }
        #expect(steps == Array(0...Self.depth))
    }

    @Test func doubtsAreToldBeforeWriting() throws {
        let scratch = try prepared()
        try scratch.write(Self.skeleton + "4 3 2 2 7 0.3 99\n", to: "cell.swc")
        var warnings: [String] = []
        _ = try job(scratch, "x.npy").run(
            warn: {
                #expect(!FileManager.default.fileExists(atPath: scratch("x.npy")))
                warnings.append($0)
            }, progress: { _ in true })
        #expect(warnings.count == 1 && warnings[0].hasPrefix("\(scratch("cell.swc")): 1 node names a parent that"))
    }

    @Test func aDiskThatTakesNothingIsAnOutputError() throws {
        let scratch = try prepared()
        let told = try {
            let job = try job(scratch, "none/x.npy")
            return sentence(.output) { _ = try run(job) }
        }()
        #expect(told.hasPrefix("cannot write \(scratch("none/x.npy"))") && told.hasSuffix("No such file or directory"))
    }
}
