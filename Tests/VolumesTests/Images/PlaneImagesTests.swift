import Specimens
import TestTools
import Testing

@testable import Volumes

@Suite struct PlaneImagesTests {
    private static func plane(_ section: Int, width: Int = 100, bits: Int = 8) -> PlaneImage {
        PlaneImage(
            imageID: section, sectionNumber: section, x: 0, y: 0, width: width, height: 80, frameWidth: width,
            frameHeight: 80, xSpacing: 0.1, ySpacing: 0.1, bits: bits)
    }

    /// Planes of other sizes or bits are gaps, as those that are missing.
    @Test(arguments: 0..<40) func placesAndPlanesFollowFromEachOther(_ seed: UInt64) throws {
        var random = Seeded(seed)
        let planes = (0..<Int.random(in: 2...60, using: &random)).compactMap { section -> PlaneImage? in
            switch Int.random(in: 0..<10, using: &random) {
            case 0..<2: nil
            case 2: Self.plane(section, width: 50)
            case 3: Self.plane(section, bits: 16)
            default: Self.plane(section)
            }
        }
        let stack = try #require(ImageStack(planes: planes, zSpacing: 1))
        let images = PlaneImages.stack(stack)
        let framed = (0..<stack.depth).filter { stack.plane(at: $0).map(stack.isFramed) == true }
        #expect(images.depth == stack.depth && images.count == framed.count)
        #expect((0..<framed.count).map(images.plane) == framed)
        for plane in -2..<stack.depth + 2 {
            #expect(images.place(of: plane) == framed.firstIndex(of: plane))
            #expect(images[plane] == (framed.contains(plane) ? stack.plane(at: plane) : nil))
        }
    }

    @Test func aSinglePlaneIsTheFirstWhateverItsSection() {
        let images = PlaneImages.plane(Self.plane(7))
        #expect(images.depth == 1 && images.count == 1 && images.plane(at: 0) == 0)
        #expect(images[0]?.sectionNumber == 7 && images[1] == nil && images[-1] == nil)
        #expect(images.place(of: 0) == 0 && images.place(of: 1) == nil)
    }
}
