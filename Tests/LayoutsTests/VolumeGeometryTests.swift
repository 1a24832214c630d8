import Layouts
import Testing

@Suite struct VolumeGeometryTests {
    private let geometry = VolumeGeometry(
        shape: ZYX(z: 5, y: 100, x: 77), spacing: ZYX(z: 0.28, y: 0.1144, x: 0.1144), origin: ZYX(z: 3, y: -1, x: 0.5))

    /// The centre of voxel `i` of an axis.
    private func centre(_ geometry: VolumeGeometry, _ i: Int) -> ZYX<Double> {
        geometry.origin.zip(geometry.spacing) { $0 + Double(i) * $1 }
    }

    @Test func aVoxelOfALevelLiesInTheMiddleOfThoseItCovers() {
        #expect(geometry.level(0) == geometry)
        for level in 1...6 {
            let reduced = geometry.level(level)
            let size = 1 << level
            #expect(reduced.shape == ZYX(z: 5, y: (100 + size - 1) / size, x: (77 + size - 1) / size))
            for i in [0, 1, 9] {
                let covered = (i * size..<(i + 1) * size).map { centre(geometry, $0) }
                #expect(abs(centre(reduced, i).x - covered.map(\.x).reduce(0, +) / Double(size)) < 1e-9)
                #expect(abs(centre(reduced, i).y - covered.map(\.y).reduce(0, +) / Double(size)) < 1e-9)
                #expect(centre(reduced, i).z == centre(geometry, i).z)
            }
        }
    }

    @Test func aCropBeginsAtTheCentreOfItsFirstVoxel() {
        let crop = geometry.crop(to: ZYX(z: 2..<4, y: 10..<100, x: 7..<8))
        #expect(crop.shape == ZYX(z: 2, y: 90, x: 1) && crop.spacing == geometry.spacing)
        #expect(abs(crop.origin.z - (3 + 2 * 0.28)) < 1e-12)
        #expect(abs(crop.origin.y - (-1 + 10 * 0.1144)) < 1e-12)
        #expect(abs(crop.origin.x - (0.5 + 7 * 0.1144)) < 1e-12)
    }
}
