import Specimens
import Testing

@Suite struct StackTests {
    private func plane(_ section: Int, width: Int = 100, bits: Int = 8, failed: Bool = false) -> PlaneImage {
        PlaneImage(
            imageID: 100 + section, sectionNumber: section, x: 1, y: 2, width: width, height: 80,
            frameWidth: width + 2, frameHeight: 84, xSpacing: 0.5, ySpacing: 0.25, bits: bits, failed: failed)
    }

    @Test func planesStandAtTheirPlacesWhateverTheirOrder() throws {
        let stack = try #require(ImageStack(planes: [28, 26, 31, 27].map { plane($0) }, zSpacing: 2))
        #expect(stack.firstSection == 26 && stack.depth == 6)
        #expect((0..<6).map { stack.plane(at: $0)?.sectionNumber } == [26, 27, 28, nil, nil, 31])
        #expect(stack.plane(at: -1) == nil && stack.plane(at: 6) == nil && stack.plane(at: .max) == nil)
        #expect(stack.planes.map(stack.index) == [0, 1, 2, 5])
        #expect(stack.spacing == VoxelSpacing(x: 0.5, y: 0.25, z: 2))
    }

    @Test func aFailedPlaneHoldsItsPlaceAndIsNotThere() throws {
        let planes = [plane(5, failed: true), plane(6), plane(8, failed: true)]
        let stack = try #require(ImageStack(planes: planes, zSpacing: 1))
        #expect(stack.firstSection == 5 && stack.depth == 4)
        #expect(stack.planes.map(\.sectionNumber) == [6])
        #expect(stack.failedPlanes.map(\.sectionNumber) == [5, 8])
        #expect((0..<4).map { stack.plane(at: $0)?.sectionNumber } == [nil, 6, nil, nil])
        #expect(ImageStack(planes: [planes[0]], zSpacing: 1) == nil)
        #expect(ImageStack(planes: [], zSpacing: 1) == nil)
    }

    @Test func theFrameIsThatOfMostPlanes() throws {
        let planes = [plane(1, width: 90), plane(2), plane(3)]
        let stack = try #require(ImageStack(planes: planes, zSpacing: 1))
        #expect((stack.x, stack.y, stack.width, stack.height) == (1, 2, 100, 80))
        #expect((stack.frameWidth, stack.frameHeight) == (102, 84))
        #expect(planes.map(stack.isFramed) == [false, true, true])
        // Of two equally frequent frames the first.
        #expect(ImageStack(planes: Array(planes.prefix(2)), zSpacing: 1)?.width == 90)
    }

    @Test func aPlaneOfOtherBitsIsOutsideTheFrame() throws {
        let planes = [plane(1), plane(2, bits: 16), plane(3, bits: 16)]
        let stack = try #require(ImageStack(planes: planes, zSpacing: 1))
        #expect(stack.bits == 16 && planes.map(stack.isFramed) == [false, true, true])
        #expect(ImageStack(planes: Array(planes.prefix(1)), zSpacing: 1)?.bits == 8)
    }

    @Test func aDepthThatFourDigitsCannotNameIsNoStack() {
        #expect(ImageStack(planes: [plane(1), plane(ImageStack.maximumDepth)], zSpacing: 1)?.depth == 10_000)
        #expect(ImageStack(planes: [plane(1), plane(ImageStack.maximumDepth + 1)], zSpacing: 1) == nil)
    }
}
