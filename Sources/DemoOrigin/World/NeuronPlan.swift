/// Everything that the generator needs, so that a neuron can be grown again at any time.
struct NeuronPlan: Sendable {
    /// The form of the SWC file; real files differ in it (docs/DATA.md 8).
    struct Style: Sendable {
        var firstID = 1
        var carriageReturns = false
        /// One parent is listed after its child.
        var parentAfterChild = false
        /// Detached pieces of axon, each with a root of its own.
        var extraRoots = 0
        /// Written as AllenSDK saves a file again: with another header.
        var headerOfSDK = false
    }

    var seed: Int
    /// The size of the space in micrometres, from 0.
    var width: Double
    var height: Double
    var depth: Double
    /// A pyramidal cell has an apical dendrite.
    var isPyramidal: Bool
    /// Whether the whole axon is grown; otherwise only its first part.
    var fullAxon: Bool
    var style = Style()
}
