import Support

/// What the values of a label image mean: the `image-label` metadata of OME-NGFF 0.4.
package struct ImageLabel: Sendable {
    /// One value, its meaning and its colour.
    package struct Class: Hashable, Sendable {
        /// The value of the voxels, 1 or more.
        package var value: Int
        /// What it stands for, for example "basal dendrite".
        package var name: String
        /// How viewers paint it: red, green and blue, 0...255. It is opaque.
        package var color: SIMD3<UInt8>

        /// One value, its meaning and its colour.
        package init(value: Int, name: String, color: SIMD3<UInt8>) {
            self.value = value
            self.name = name
            self.color = color
        }
    }

    /// The classes in order of value; empty where values are instances rather than classes.
    package let classes: [Class]
    /// The image that the labels belong to, a path relative to the label image's directory; `nil` says nothing.
    ///
    /// OME-NGFF means "../../", the image in whose `labels` group the label image stands, when it is left out. Beside
    /// the image it is for example "../stack.ome.zarr": ome-zarr and napari then show the image below the labels.
    package let source: String?

    /// Labels of some classes.
    ///
    /// - Throws: `OMEZarrError.repeatedLabelValue` when two classes have one value.
    package init(classes: [Class], source: String?) throws(OMEZarrError) {
        let sorted = classes.sorted { $0.value < $1.value }
        for (first, second) in Swift.zip(sorted, sorted.dropFirst()) where first.value == second.value {
            throw .repeatedLabelValue(first.value)
        }
        self.classes = sorted
        self.source = source
    }

    var json: JSONValue {
        var object: JSONObject = ["version": .string("0.4")]
        if !classes.isEmpty {
            object["colors"] = .array(
                classes.map { item in
                    let parts = [item.color.x, item.color.y, item.color.z, 255]
                    return .object([
                        "label-value": .int(item.value), "rgba": .array(parts.map { .int(Int($0)) }),
                    ])
                })
            object["properties"] = .array(
                classes.map { .object(["label-value": .int($0.value), "class": .string($0.name)]) })
        }
        object["source"] = source.map { .object(["image": .string($0)]) }
        return .object(object)
    }
}
