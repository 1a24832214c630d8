// swift-tools-version: 6.2
import PackageDescription

/// Fuzzers (libFuzzer) of all code that reads bytes from the network or the disk. `make fuzz` builds and runs them.
///
/// This is a package of its own, because `--sanitize=fuzzer` links every executable of a build with libFuzzer's `main`.
let package = Package(
    name: "FuzzTesting",
    dependencies: [
        .package(name: "NeuronFS", path: ".."), .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
    ],
    targets: [
        .executableTarget(
            name: "Fuzzers",
            dependencies: [
                .product(name: "Morphology", package: "NeuronFS"), .product(name: "FuzzedLayers", package: "NeuronFS"),
                .product(name: "Logging", package: "swift-log"),
            ],
            // Without a `main` of its own the module is a library, and libFuzzer supplies the `main`.
            swiftSettings: [
                .swiftLanguageMode(.v6), .treatAllWarnings(as: .error), .unsafeFlags(["-parse-as-library"]),
            ])
    ]
)
