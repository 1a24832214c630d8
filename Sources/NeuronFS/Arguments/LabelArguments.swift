public import ArgumentParser
import LabelWriting
public import Morphology

/// Columns, rows and planes as three whole numbers, `X,Y,Z`.
struct VoxelShape: ExpressibleByArgument {
    let xyz: SIMD3<Int>

    init?(argument: String) {
        let parts = argument.split(separator: ",", omittingEmptySubsequences: false).map { Int($0) }
        guard parts.count == 3, let x = parts[0], let y = parts[1], let z = parts[2] else { return nil }
        xyz = SIMD3(x, y, z)
    }
}

/// Three finite numbers, `X,Y,Z`.
struct AxisNumbers: ExpressibleByArgument {
    let xyz: SIMD3<Double>

    init?(argument: String) {
        let parts = argument.split(separator: ",", omittingEmptySubsequences: false).map { Double($0) }
        guard parts.count == 3, let x = parts[0], let y = parts[1], let z = parts[2], x.isFinite, y.isFinite, z.isFinite
        else { return nil }
        xyz = SIMD3(x, y, z)
    }
}

extension LengthUnit: ExpressibleByArgument {}

/// A variant by its name.
struct VariantName: ExpressibleByArgument {
    let variant: LabelVariant

    init(_ variant: LabelVariant) { self.variant = variant }

    init?(argument: String) {
        guard let variant = LabelVariant(name: argument) else { return nil }
        self.variant = variant
    }

    static var allValueStrings: [String] { LabelVariant.allCases.map(\.name) }

    var defaultValueDescription: String { variant.name }
}
