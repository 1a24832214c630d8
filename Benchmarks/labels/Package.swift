// swift-tools-version: 6.2
import PackageDescription

/// Compares the label engine with a C program of the same algorithm, both in one process. `run.sh` builds the C half
/// with gcc and runs the comparison.
let package = Package(
    name: "LabelBenchmark",
    dependencies: [.package(name: "NeuronFS", path: "../..")],
    targets: [
        .systemLibrary(name: "CControl", path: "CControl"),
        .executableTarget(
            name: "LabelBenchmark",
            dependencies: ["CControl", .product(name: "Morphology", package: "NeuronFS")],
            swiftSettings: [.swiftLanguageMode(.v6), .treatAllWarnings(as: .error)]),
    ]
)
