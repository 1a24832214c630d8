/// One finding of `neuronfs doctor`.
struct Finding {
    enum Grade: String {
        /// Nothing to do.
        case ok
        /// It works, and could work better.
        case note
        /// It does not work.
        case bad
    }

    var grade: Grade
    /// The thing examined and its state.
    var text: String
    /// The command, or the advice, that repairs it.
    var cure: String?

    static func ok(_ text: String) -> Finding { Finding(grade: .ok, text: text) }

    static func note(_ text: String, cure: String? = nil) -> Finding { Finding(grade: .note, text: text, cure: cure) }

    static func bad(_ text: String, cure: String) -> Finding { Finding(grade: .bad, text: text, cure: cure) }
}
