/// What one look of the doctor found.
struct Finding {
    enum Grade: String {
        /// As it should be.
        case ok
        /// Works, could be better.
        case note
        /// Does not work.
        case bad
    }

    var grade: Grade
    /// What was looked at and how it is.
    var text: String
    /// The command, or the words, that mend it.
    var cure: String?

    static func ok(_ text: String) -> Finding { Finding(grade: .ok, text: text) }

    static func note(_ text: String, cure: String? = nil) -> Finding { Finding(grade: .note, text: text, cure: cure) }

    static func bad(_ text: String, cure: String) -> Finding { Finding(grade: .bad, text: text, cure: cure) }
}
