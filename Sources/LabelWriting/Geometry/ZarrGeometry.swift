import Glibc
import Morphology
import Support

/// The geometry of a Zarr directory: an OME-Zarr image (OME-NGFF 0.1 to 0.5), of which the first data set counts, or an
/// array. The last three axes are taken for z, y and x where none is named.
enum ZarrGeometry {
    /// - Throws: a request error for a directory that is neither, and for one with fewer than three axes.
    static func read(_ path: String) throws(LabelWritingError) -> ImageGeometry {
        if let group = try attributes(path), let image = group["multiscales"]?.arrayValue?.first {
            guard let data = image["datasets"]?.arrayValue?.first, let name = data["path"]?.stringValue else {
                throw .request("\(path) is no OME-Zarr image: its multiscales name no data set")
            }
            guard let sides = try shape("\(path)/\(name)") else {
                throw .request("\(path) has no array \(name), which its multiscales name")
            }
            return try geometry(of: image, data, sides, path)
        }
        guard let sides = try shape(path) else {
            throw .request("\(path) is a directory, but no Zarr array and no OME-Zarr image")
        }
        guard sides.count >= 3 else { throw flat(path) }
        let last = sides.suffix(3).map { $0 }
        return ImageGeometry(shape: SIMD3(last[2], last[1], last[0]), spacing: SIMD3())
    }

    private static func flat(_ path: String) -> LabelWritingError {
        .request("\(path) has fewer than three axes: labels need z, y and x")
    }

    private static func geometry(
        of image: JSONValue, _ data: JSONValue, _ sides: [Int], _ path: String
    ) throws(LabelWritingError) -> ImageGeometry {
        let axes = image["axes"]?.arrayValue ?? []
        let names = axes.map { axis in axis.stringValue ?? axis["name"]?.stringValue ?? "" }
        let places = ["x", "y", "z"].enumerated().map { index, name in
            names.firstIndex(of: name) ?? (names.isEmpty ? sides.count - 1 - index : -1)
        }
        guard places.allSatisfy({ place in sides.indices.contains(place) }) else { throw flat(path) }
        func pick<Element>(_ values: [Element]) -> [Element] {
            places.compactMap { place in values.indices.contains(place) ? values[place] : nil }
        }
        let shape = pick(sides)
        var spacing = SIMD3<Double>()
        var translation: SIMD3<Double>?
        for step in [data, image].flatMap({ level in level["coordinateTransformations"]?.arrayValue ?? [] }) {
            if let factors = step["scale"]?.arrayValue.map({ pick($0.map { $0.doubleValue ?? 0 }) }), factors.count == 3
            {
                let factor = SIMD3(factors[0], factors[1], factors[2])
                spacing = spacing == SIMD3() ? factor : spacing * factor
                translation = translation.map { $0 * factor }
            }
            if let parts = step["translation"]?.arrayValue.map({ pick($0.map { $0.doubleValue ?? 0 }) }),
                parts.count == 3
            {
                translation = (translation ?? SIMD3()) + SIMD3(parts[0], parts[1], parts[2])
            }
        }
        // A spacing in a unit that is no length, or in none, says nothing in um.
        let units = pick(axes).map { axis in LengthName(axis["unit"]?.stringValue ?? "")?.um ?? 0 }
        let um = units.count == 3 ? SIMD3(units[0], units[1], units[2]) : SIMD3()
        return ImageGeometry(
            shape: SIMD3(shape[0], shape[1], shape[2]), spacing: spacing * um,
            translation: um.min() > 0 ? translation.map { $0 * um } : nil)
    }

    /// The attributes of a group: `.zattrs` of Zarr 2, member `attributes.ome` of `zarr.json` of Zarr 3.
    private static func attributes(_ path: String) throws(LabelWritingError) -> JSONValue? {
        if let found = try document("\(path)/.zattrs") { return found }
        return try document("\(path)/zarr.json")?["attributes"]?["ome"]
    }

    /// The sides of an array; `nil` where there is none.
    private static func shape(_ path: String) throws(LabelWritingError) -> [Int]? {
        var found = try document("\(path)/.zarray")
        if found == nil { found = try document("\(path)/zarr.json") }
        return found?["shape"]?.arrayValue?.map { side in side.intValue ?? 0 }
    }

    private static func document(_ path: String) throws(LabelWritingError) -> JSONValue? {
        guard unsafe access(path, F_OK) == 0 else { return nil }
        let bytes = try LabelInput.contents(path)
        do throws(JSONError) {
            return try JSONValue.parse(bytes)
        } catch {
            throw .request("\(path): \(error)", cause: error)
        }
    }
}
