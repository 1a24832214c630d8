internal import Fetch
internal import Specimens
internal import Support
internal import Volumes

/// The extended attributes of what comes from the source.
enum ExtendedAttribute: String, CaseIterable {
    /// Where the bytes come from.
    case url = "user.neuronfs.url"
    /// How many bytes of the object the block cache holds.
    case cached = "user.neuronfs.cached"
    /// The version that the source named.
    case etag = "user.neuronfs.etag"

    /// The value for an entry that comes from `original`; nil where there is none. Makes no request.
    func value(_ original: Original?, _ parts: TreeParts) -> String? {
        guard let original else { return nil }
        switch self {
        case .url: return original.url
        case .cached: return String(parts.cachedBytes(original.object))
        case .etag:
            let validator = parts.registry.cached(original.object)?.validator ?? ""
            return validator.isEmpty ? nil : OutsideText.line(OutsideText.cut(validator))
        }
    }
}
