import CControl
import Glibc
import Morphology

/// Nanoseconds of CPU time that this thread has used, which other processes on a shared machine hardly change.
func now() -> UInt64 {
    var time = timespec()
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
    return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
}

func median(_ values: [Double]) -> Double {
    let sorted = values.sorted()
    return sorted.count % 2 == 1
        ? sorted[sorted.count / 2] : (sorted[sorted.count / 2 - 1] + sorted[sorted.count / 2]) / 2
}

func padded(_ text: String, _ width: Int, left: Bool = false) -> String {
    let space = String(repeating: " ", count: max(0, width - text.utf8.count))
    return left ? text + space : space + text
}

func microseconds(_ value: Double) -> String {
    let digits = value >= 1000 ? 10.0 : value >= 10 ? 10.0 : 100.0
    return "\((value * digits).rounded() / digits)"
}

let rounds = getenv("ROUNDS").flatMap { text in Int(String(cString: text)) } ?? 9

/// Measures both in alternating order, and prints the medians in microseconds for one repetition.
@MainActor func compare(_ name: String, repetitions: Int, swift: () -> Void, c: () -> Void) {
    var times: [[Double]] = [[], []]
    for round in 0...rounds {
        for turn in 0..<2 {
            let isSwift = (round + turn) % 2 == 0
            let start = now()
            for _ in 0..<repetitions { isSwift ? swift() : c() }
            let elapsed = Double(now() - start) / Double(repetitions) / 1000
            if round > 0 { times[isSwift ? 0 : 1].append(elapsed) }
        }
    }
    let medians = times.map(median)
    let ratio = ((medians[0] / medians[1]) * 100).rounded() / 100
    print(
        "  " + padded(name, 42, left: true) + padded(microseconds(medians[0]), 12)
            + padded(microseconds(medians[1]), 12)
            + padded("\(ratio)", 8))
}

func fail(_ message: String) -> Never {
    let line = Array((message + "\n").utf8)
    _ = write(2, line, line.count)
    exit(1)
}

func contents(of path: String) -> [UInt8]? {
    guard let file = fopen(path, "rb") else { return nil }
    defer { fclose(file) }
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 1 << 16)
    while case let count = fread(&chunk, 1, chunk.count, file), count > 0 { bytes += chunk[..<count] }
    return bytes
}

/// All measurements of both sides for one skeleton, in a frame of `side` x `side` pixels.
@MainActor func measure(_ name: String, _ bytes: [UInt8], side: Int) throws {
    let skeleton = try Skeleton.parse(bytes)
    let depth = Int(skeleton.bounds.z.upperBound / VoxelGrid.assumedAxialSpacing) + 12
    let grid = VoxelGrid(width: side, height: side, depth: depth)
    var cGrid = control_grid(
        width: Int32(side), height: Int32(side), depth: Int32(depth), sx: grid.spacingX, sy: grid.spacingY,
        sz: grid.spacingZ, ox: 0, oy: 0, oz: 0)
    let text = bytes.map(CChar.init(bitPattern:)) + [0]
    guard let cSkeleton = control_parse(text) else { fail("the control cannot read \(name)") }
    let index = try RunIndex(skeleton, grid: grid)
    guard let cIndex = control_build(cSkeleton, &cGrid) else { fail("the control cannot build \(name)") }
    print(
        "\(name): \(skeleton.nodes.count) nodes, \(side) x \(side) x \(depth), \(index.runCount) runs, "
            + "\(index.footprint / 1024) KiB")
    guard control_runs(cIndex) == index.runCount else { fail("the control has \(control_runs(cIndex)) runs") }

    compare(
        "parse", repetitions: 1, swift: { _ = try? Skeleton.parse(bytes) },
        c: { control_free_skeleton(control_parse(text)) })
    compare(
        "index", repetitions: 1, swift: { _ = try? RunIndex(skeleton, grid: grid) },
        c: { control_free_index(control_build(cSkeleton, &cGrid)) })
    let encoded = index.encoded()
    compare(
        "load a stored index (C: build it)", repetitions: 1, swift: { _ = try? RunIndex(decoding: encoded) },
        c: { control_free_index(control_build(cSkeleton, &cGrid)) })

    // The plane with the most runs, and the voxel of the first node, where the neuron is dense.
    let counts = (0..<depth).map { plane in index.runs(plane: plane).count }
    let dense = counts.indices.max { counts[$0] < counts[$1] } ?? 0
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: side * side, alignment: 4096)
    let control = UnsafeMutableRawBufferPointer.allocate(byteCount: side * side, alignment: 4096)
    defer {
        buffer.deallocate()
        control.deallocate()
    }
    guard let bytesOut = control.baseAddress?.assumingMemoryBound(to: UInt8.self) else { fail("no memory") }
    index.paint(plane: dense, bytes: 0..<(side * side), into: buffer)
    control_paint(cIndex, Int32(dense), 0, side * side, bytesOut)
    guard buffer.elementsEqual(control) else { fail("plane \(dense) differs") }
    compare(
        "plane with most runs (\(counts[dense]))", repetitions: 5,
        swift: { index.paint(plane: dense, bytes: 0..<(side * side), into: buffer) },
        c: { control_paint(cIndex, Int32(dense), 0, side * side, bytesOut) })

    func pseudorandom(_ number: Int, below bound: Int) -> Int {
        Int((UInt64(truncatingIfNeeded: number) &* 0x9E37_79B9_7F4A_7C15 >> 33) % UInt64(bound))
    }
    let windows = (0..<2000).map { number in
        (
            plane: pseudorandom(3 * number, below: depth), x: pseudorandom(3 * number + 1, below: side - 512),
            y: pseudorandom(3 * number + 2, below: side - 512)
        )
    }
    let nodes = skeleton.nodes
    let onNeuron = (0..<2000).map { number in
        let node = nodes[pseudorandom(number, below: nodes.count)]
        return (
            plane: min(max(Int(node.z / grid.spacingZ), 0), depth - 1),
            x: min(max(Int(node.x / grid.spacingX) - 256, 0), side - 512),
            y: min(max(Int(node.y / grid.spacingY) - 256, 0), side - 512)
        )
    }
    for (label, places) in [("window 512 x 512, anywhere", windows), ("window 512 x 512, on the neuron", onNeuron)] {
        var turn = 0
        var cTurn = 0
        compare(
            label, repetitions: places.count,
            swift: {
                let place = places[turn % places.count]
                turn += 1
                index.paintWindow(
                    plane: place.plane, x: place.x..<(place.x + 512), y: place.y..<(place.y + 512), into: buffer,
                    rowStride: 512)
            },
            c: {
                let place = places[cTurn % places.count]
                cTurn += 1
                control_window(
                    cIndex, Int32(place.plane), Int32(place.x), Int32(place.x + 512), Int32(place.y),
                    Int32(place.y + 512), bytesOut, 512)
            })
    }
    let ranges = onNeuron.map { place in
        (plane: place.plane, start: min(((place.y + 256) * side) & ~0x1FFFF, side * side - 131072))
    }
    var turn = 0
    var cTurn = 0
    compare(
        "128 KiB of a plane, on the neuron", repetitions: ranges.count,
        swift: {
            let range = ranges[turn % ranges.count]
            turn += 1
            index.paint(plane: range.plane, bytes: range.start..<(range.start + 131072), into: buffer)
        },
        c: {
            let range = ranges[cTurn % ranges.count]
            cTurn += 1
            control_paint(cIndex, Int32(range.plane), range.start, range.start + 131072, bytesOut)
        })
    control_free_index(cIndex)
    control_free_skeleton(cSkeleton)

    for variant in LabelVariant.allCases where variant != .classes {
        let start = now()
        let source = try variant.source(of: skeleton, in: grid)
        let made = Double(now() - start) / 1000
        var times: [Double] = []
        let wide = UnsafeMutableRawBufferPointer.allocate(
            byteCount: 512 * 512 * source.bytesPerVoxel, alignment: 4096)
        defer { wide.deallocate() }
        for place in onNeuron.prefix(400) {
            let start = now()
            source.paintWindow(
                plane: place.plane, x: place.x..<(place.x + 512), y: place.y..<(place.y + 512), into: wide,
                rowStride: 512 * source.bytesPerVoxel)
            times.append(Double(now() - start) / 1000)
        }
        print(
            "  " + padded("\(variant.rawValue): made, window on the neuron", 42, left: true)
                + padded(microseconds(made), 12) + padded(microseconds(median(times)), 12)
                + padded("\(source.footprint / 1024) KiB", 12))
    }
}

do {
    print(
        padded("microseconds of CPU, medians of \(rounds) rounds", 44, left: true) + "       Swift           C   ratio")
    let arguments = Array(CommandLine.arguments.dropFirst())
    let real = getenv("NEURONFS_REAL_DATA").map { text in String(cString: text) } ?? ""
    var measured = 0
    for path in arguments.isEmpty
        ? ["508405843", "323865917", "313862167"].map({ "\(real)/swc/\($0).swc" }) : arguments
    {
        guard let bytes = contents(of: path) else {
            if !arguments.isEmpty { fail("cannot read \(path)") }
            continue
        }
        try measure(String(path.split(separator: "/").last ?? ""), bytes, side: 10000)
        measured += 1
    }
    if arguments.isEmpty {
        for count in [3400, 41000] {
            try measure("generated", Array(GeneratedSkeleton.swc(nodes: count).utf8), side: 10000)
        }
    }
} catch {
    fail("\(error)")
}
