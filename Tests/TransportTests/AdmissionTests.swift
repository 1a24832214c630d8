import Support
import Testing

@testable import Transport

/// The choice of the next job, and the entries left by finished jobs.
@Suite struct AdmissionTests {
    private struct Weak {
        weak var job: Job?
    }

    private func job(_ id: UInt64, _ lane: Lane) throws -> Job {
        var request = HTTPRequest(url: "http://a.org/\(id)")
        request.lane = lane
        let origin = try #require(URLParts(request.url))
        return Job(id: id, request: request, origin: origin, begun: .now) { _ in }
    }

    /// A crawl that starts many requests and cancels most of them must not keep all their entries behind one job that
    /// waits.
    @Test(arguments: [false, true])
    func whatHasLeftIsDroppedFromBehindOneThatWaits(_ isPromoted: Bool) throws {
        var admission = Admission(testConfiguration())
        let front = try job(0, .prefetch)
        admission.enqueue(front)
        var gone: [Weak] = []
        var kept: [UInt64] = []
        for id in UInt64(1)...20_000 {
            let job = try job(id, .prefetch)
            admission.enqueue(job)
            guard !id.isMultiple(of: 1000) else {
                kept.append(id)
                continue
            }
            if isPromoted { admission.promote(job) }
            job.state = .finished
            gone.append(Weak(job: job))
        }
        #expect(gone.count { $0.job != nil } < 1000)
        var order: [UInt64] = []
        while let next = admission.next() {
            order.append(next.id)
            next.state = .finished
            admission.release(next)
        }
        #expect(order == [0] + kept)
    }

    @Test func whatGoesOnIsNextAlsoAfterOthersHaveLeft() throws {
        var admission = Admission(testConfiguration { $0.maxConnectionsPerHost = 1 })
        var jobs: [Job] = []
        for id in UInt64(0)..<2000 {
            jobs.append(try job(id, .demand))
            admission.enqueue(jobs[Int(id)])
        }
        let taken = admission.next()
        let first = try #require(taken)
        let second = admission.next()
        #expect(second?.id == nil)
        for job in jobs[1..<1999] { job.state = .finished }
        admission.release(first)
        admission.enqueue(first, atFront: true)
        let again = admission.next()
        #expect(again?.id == 0)
        admission.release(first)
        let last = admission.next()
        #expect(last?.id == 1999)
    }
}
