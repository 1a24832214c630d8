// swift-tools-version: 6.2
import PackageDescription

/// Settings of every target that ships: Swift 6 concurrency checking, unsafe code visible (`grep -rn unsafe Sources`
/// is the audit list), and no warning tolerated.
let strict: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .strictMemorySafety(),
    .treatAllWarnings(as: .error),
]

/// Tests keep the concurrency checking and leave strict memory safety off: `#expect` trips over it.
let testing: [SwiftSetting] = [.swiftLanguageMode(.v6), .treatAllWarnings(as: .error)]

/// A layer of Sources/Core. Arrows point down only; `make layers` fails on an import that a target does not list.
func core(_ name: String, _ dependencies: [Target.Dependency] = []) -> Target {
    .target(name: name, dependencies: dependencies, path: "Sources/Core/\(name)", swiftSettings: strict)
}

func tests(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .testTarget(name: name, dependencies: dependencies, path: "Tests/\(name)", swiftSettings: testing)
}

let logging = Target.Dependency.product(name: "Logging", package: "swift-log")

let package = Package(
    name: "NeuronFS",
    products: [
        .executable(name: "neuronfs", targets: ["NeuronFS"]),
        .library(name: "Morphology", targets: ["Morphology"]),
        // What FuzzTesting/ needs; nobody else's interface.
        .library(
            name: "FuzzedLayers",
            targets: [
                "Support", "Transport", "BlockStore", "Specimens", "AllenSource", "FolderSource", "ImageCodec",
                "Layouts", "Configuration",
            ]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
        .package(url: "https://github.com/swhitty/FlyingFox", from: "0.27.1"),
    ],
    targets: [
        // C libraries: headers only, but for CPosix, CChecksum and CJPEG, which hold what cannot be a `static inline`.
        .systemLibrary(
            name: "CFuse", path: "Sources/CLibraries/CFuse", pkgConfig: "fuse3", providers: [.apt(["libfuse3-dev"])]),
        .systemLibrary(
            name: "CCurl", path: "Sources/CLibraries/CCurl", pkgConfig: "libcurl",
            providers: [.apt(["libcurl4-openssl-dev"])]),
        .systemLibrary(
            name: "CTIFF", path: "Sources/CLibraries/CTIFF", pkgConfig: "libtiff-4", providers: [.apt(["libtiff-dev"])]),
        .systemLibrary(
            name: "CZlib", path: "Sources/CLibraries/CZlib", pkgConfig: "zlib", providers: [.apt(["libtiff-dev"])]),
        .target(name: "CPosix", path: "Sources/CLibraries/CPosix"),
        .target(name: "CChecksum", path: "Sources/CLibraries/CChecksum"),
        .target(
            name: "CJPEG", path: "Sources/CLibraries/CJPEG", linkerSettings: [.linkedLibrary("jpeg")]),

        // Core, from the bottom up.
        core("Support", ["CPosix", "CChecksum", logging]),
        core("Specimens", ["Support"]),
        core("Transport", ["Support", "CCurl", logging]),
        core("BlockStore", ["Support", "CPosix", logging]),
        core("Fetch", ["Support", "Specimens", "BlockStore", logging]),
        core("ImageCodec", ["Support", "CJPEG", "CZlib"]),
        core("Layouts", ["Support"]),
        core("Morphology", ["Support"]),
        core("Configuration", ["Support", "Morphology", logging]),
        core("Volumes", ["Support", "Specimens", "Fetch", "Layouts", "Morphology", logging]),
        core("FileTree", ["Support", "Specimens", "Volumes", "Fetch", "Layouts", "Morphology", logging]),
        core("FuseAdapter", ["Support", "FileTree", "CFuse", "CPosix", logging]),

        // Sources of specimens.
        .target(
            name: "AllenSource",
            dependencies: [
                "Specimens", "Support", "Transport", "ImageCodec", logging,
                .product(name: "GRDB", package: "GRDB.swift"),
            ],
            path: "Sources/AllenSource", swiftSettings: strict),
        .target(
            name: "FolderSource", dependencies: ["Support", "Specimens", "CTIFF", "CPosix", logging],
            path: "Sources/FolderSource", swiftSettings: strict),

        // The writers of `neuronfs label`.
        .target(
            name: "LabelWriting", dependencies: ["Support", "Morphology", "Layouts"],
            path: "Sources/LabelWriting", swiftSettings: strict),

        // The stand-in origin and the command line.
        .target(
            name: "DemoOrigin",
            dependencies: [
                "Support", "ImageCodec", "CZlib", logging, .product(name: "FlyingFox", package: "FlyingFox"),
                .product(name: "FlyingSocks", package: "FlyingFox"),
            ],
            path: "Sources/DemoOrigin", swiftSettings: strict),
        .executableTarget(
            name: "NeuronFS",
            dependencies: [
                "Support", "Specimens", "Configuration", "Transport", "BlockStore", "Fetch", "AllenSource",
                "FolderSource",
                "Volumes", "FileTree", "FuseAdapter", "Morphology", "LabelWriting", "ImageCodec", "DemoOrigin",
                "CPosix",
                logging,
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            path: "Sources/NeuronFS", swiftSettings: strict),

        // One test target a layer; real mounts and real readers are in Tests/MountTests (Python).
        .target(
            name: "TestTools",
            dependencies: [
                "AllenSource", "Specimens", "BlockStore", "Transport", "Layouts", "Volumes", "Fetch",
                "Support", "CTIFF", logging,
            ],
            path: "Tests/TestTools",
            swiftSettings: testing),
        tests("SupportTests", ["Support", "TestTools", logging]),
        tests("TransportTests", ["Transport", "Support", logging]),
        tests("BlockStoreTests", ["BlockStore", "Support", "CPosix", "TestTools", logging]),
        tests("FetchTests", ["Fetch", "Specimens", "BlockStore", "Support", "TestTools", logging]),
        tests("SpecimensTests", ["Specimens", "Support", "TestTools"]),
        tests(
            "AllenSourceTests",
            [
                "AllenSource", "Fetch", "Specimens", "Transport", "BlockStore", "Support", "TestTools", logging,
                .product(name: "GRDB", package: "GRDB.swift"),
            ]),
        tests("FolderSourceTests", ["FolderSource", "Specimens", "Support", "CTIFF", "TestTools", logging]),
        tests("ImageCodecTests", ["ImageCodec", "Support", "CZlib"]),
        tests("LayoutsTests", ["Layouts", "Support", "TestTools"]),
        tests("MorphologyTests", ["Morphology", "Support"]),
        tests("ConfigurationTests", ["Configuration", "Support"]),
        tests(
            "VolumesTests",
            [
                "Volumes", "Layouts", "Morphology", "Specimens", "Fetch", "BlockStore", "Support", "TestTools", logging,
            ]),
        tests("LabelWritingTests", ["LabelWriting", "Morphology", "Layouts", "Support", "TestTools"]),
        // Nothing runs here unless scripts/sanitized-test asks for it.
        tests("SanitizerAliveTests", []),
        tests("DemoOriginTests", ["DemoOrigin", "ImageCodec", "Support"]),
        tests(
            "FileTreeTests",
            [
                "FileTree", "Specimens", "Volumes", "Fetch", "Layouts", "Morphology", "Support",
                "TestTools",
                logging,
            ]),
    ]
)
