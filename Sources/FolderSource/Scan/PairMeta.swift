internal import Specimens
internal import Support

/// What meta.json of a specimen says, with the members that the mount writes into its own.
struct PairMeta: Hashable, Sendable {
    /// `stack.voxel_spacing_um`.
    var spacing: VoxelSpacing?
    /// `stack.offset_in_full_frame_px`: where the images lie in the frame in which the skeleton counts, px.
    var x = 0
    /// The same, down the rows.
    var y = 0
    /// `skeleton_units`, or `skeleton.units`.
    var units: SkeletonUnits?
    /// `species`, as it is spelt.
    var species: String?
    /// `donor`.
    var donor: String?
    /// `catalogue`: the row of a list of specimens.
    var catalogue = JSONObject()

    /// The most bytes of a meta.json.
    static let longest = 1 << 20
    /// The largest offset, px. No frame is larger, and no sum that is made of it overflows.
    private static let largestOffset = 1 << 30

    /// No meta.json.
    init() {}

    /// Reads the bytes of a meta.json. Members that are not listed above are passed over.
    init(_ bytes: [UInt8]) throws(PairMetaFault) {
        let document: JSONValue
        do throws(JSONError) {
            document = try JSONValue.parse(bytes)
        } catch {
            throw PairMetaFault("\(error)")
        }
        guard case .object(let members) = document else { throw PairMetaFault("it is no JSON object") }
        if let stack = members["stack"], let numbers = stack["voxel_spacing_um"], numbers != .null {
            let values = numbers.arrayValue?.map { Self.number($0) ?? .nan } ?? []
            guard values.count == 3, let spacing = VoxelSpacing.possible(x: values[2], y: values[1], z: values[0])
            else {
                throw PairMetaFault("stack.voxel_spacing_um is not three distances [z, y, x], um, above 0")
            }
            self.spacing = spacing
        }
        if let offset = members["stack"]?["offset_in_full_frame_px"], offset != .null {
            let values = offset.arrayValue?.compactMap(\.intValue) ?? []
            guard values.count == 2, values.allSatisfy((0...Self.largestOffset).contains) else {
                throw PairMetaFault("stack.offset_in_full_frame_px is not two numbers of pixels [y, x]")
            }
            (y, x) = (values[0], values[1])
        }
        units = try Self.units(members["skeleton_units"] ?? members["skeleton"]?["units"])
        species = try Self.text(members["species"], "species")
        donor = try Self.text(members["donor"], "donor")
        catalogue = members["catalogue"]?.objectValue ?? JSONObject()
    }

    private static func number(_ value: JSONValue) -> Double? {
        if case .number = value { value.doubleValue } else { nil }
    }

    private static func units(_ value: JSONValue?) throws(PairMetaFault) -> SkeletonUnits? {
        guard let value, value != .null else { return nil }
        guard let units = value.stringValue.flatMap(SkeletonUnits.init(rawValue:)) else {
            throw PairMetaFault("skeleton_units is not \"um\", \"px\" or \"nm\"")
        }
        return units
    }

    /// A text, or a number as it is spelt. A NUL, which no name holds, ends nothing: it becomes U+FFFD.
    private static func text(_ value: JSONValue?, _ name: String) throws(PairMetaFault) -> String? {
        switch value {
        case nil, .null?: return nil
        case .string(let text)?, .number(let text)?:
            return text.isEmpty ? nil : text.replacing("\0", with: "\u{FFFD}")
        case .bool?, .array?, .object?: throw PairMetaFault("\(name) is no text")
        }
    }

    /// A text of the row; nil where it is missing, null or empty.
    func catalogueText(_ column: String) -> String? {
        switch catalogue[column] {
        case .string(let text)?, .number(let text)?:
            text.isEmpty ? nil : text.replacing("\0", with: "\u{FFFD}")
        default: nil
        }
    }
}

/// Why a meta.json cannot be used.
struct PairMetaFault: Error, Hashable, Sendable {
    /// A clause for the log.
    let reason: String

    init(_ reason: String) { self.reason = reason }
}
