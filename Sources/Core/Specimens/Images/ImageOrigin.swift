/// How the grey values of a stack come about, for its meta.json.
package struct ImageOrigin: Hashable, Sendable {
    /// What a grey value is.
    package let photometric: String
    /// What lossy compression the pixels went through on their way; nil where there was none.
    package let lossy: String?

    /// An origin in words.
    package init(photometric: String, lossy: String?) {
        self.photometric = photometric
        self.lossy = lossy
    }

    /// The pixels of a file, unchanged.
    package static let file = ImageOrigin(photometric: "grey, as the file has it; black is zero", lossy: nil)
}
