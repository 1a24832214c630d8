/// What to grow: everything that the generator needs, so that a neuron can be made again at any time.
struct NeuronPlan: Sendable {
    /// How the SWC file is written, since real ones differ (docs/DATA.md 8).
    struct Style: Sendable {
        var firstID = 1
        var carriageReturns = false
        /// One parent is listed after its child.
        var parentAfterChild = false
        /// Detached pieces of axon, each with a root of its own.
        var extraRoots = 0
        /// Written as AllenSDK re-saves a file: another header.
        var headerOfSDK = false
    }

    var seed: Int
    /// Space in micrometres, from 0.
    var width: Double
    var height: Double
    var depth: Double
    /// A pyramidal cell has an apical dendrite.
    var isPyramidal: Bool
    /// Whether the axon is followed; otherwise a stub of it.
    var fullAxon: Bool
    var style = Style()
}
