/// How far a job is.
package struct LabelProgress: Sendable {
    /// What is counted.
    package enum Unit: String, Sendable {
        case planes, chunks
    }

    package let unit: Unit
    /// Steps of the whole job.
    package let total: Int
    /// Steps done: 0 when writing begins.
    package internal(set) var done = 0
}

/// Counts the steps of a job and reports each to the caller.
struct ProgressCounter {
    private var progress: LabelProgress
    private let report: (LabelProgress) -> Bool

    /// Reports that no step is done.
    ///
    /// - Parameter report: answers whether the job goes on.
    init(_ progress: LabelProgress, report: @escaping (LabelProgress) -> Bool) throws(LabelWritingError) {
        self.progress = progress
        self.report = report
        try advance(by: 0)
    }

    /// `count` more steps are done.
    ///
    /// - Throws: ``LabelWritingError/stopped`` when the caller wants no more.
    mutating func advance(by count: Int = 1) throws(LabelWritingError) {
        progress.done += count
        guard report(progress) else { throw .stopped }
    }
}
