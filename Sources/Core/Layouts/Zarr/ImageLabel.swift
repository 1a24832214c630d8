import Support

/// What the values of a label image mean: the `image-label` metadata of OME-NGFF 0.4.
package struct ImageLabel: Sendable {
    /// One value, its meaning and its colour.
    package struct Class: Hashable, Sendable {
        /// The value of the voxels, 1 or more.
        package var value: Int
        /// What it stands for, for example "basal dendrite".
        package var name: String
        /// How viewers paint it.
        package var color: RGBA

        /// One value, its meaning and its colour.
        package init(value: Int, name: String, color: RGBA) {
            self.value = value
            self.name = name
            self.color = color
        }
    }

    /// A colour with opacity, 0...255 each.
    package struct RGBA: Hashable, Sendable {
        /// The four parts: red, green, blue, opacity.
        package var red: UInt8, green: UInt8, blue: UInt8, alpha: UInt8

        /// A colour, opaque unless told.
        package init(_ red: UInt8, _ green: UInt8, _ blue: UInt8, _ alpha: UInt8 = 255) {
            (self.red, self.green, self.blue, self.alpha) = (red, green, blue, alpha)
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
                    let parts = [item.color.red, item.color.green, item.color.blue, item.color.alpha]
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
