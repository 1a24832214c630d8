import Logging
import Support

/// What follows the end of one exchange: the result, a redirect, another try, or the error.
extension EventLoop {
    /// - Parameter reach: of the server that was asked.
    func settle(_ job: Job, _ outcome: Leg.Outcome, reach: Reach) {
        switch outcome {
        case .done: succeed(job)
        case .redirect(let target): redirect(job, to: target, reach: reach)
        case .failed(let fault): retryOrFail(job, fault)
        }
    }

    private func succeed(_ job: Job) {
        guard let head = job.partial.head else {
            return fail(job, Fault(.badShape, "a reply without a head"))
        }
        retryBudget.succeeded()
        let seconds = Instant.now.seconds(since: job.begun)
        let response = HTTPResponse(head: head, body: job.partial.body, attempts: job.attempts, seconds: seconds)
        finish(job, .success(response))
    }

    private func redirect(_ job: Job, to target: String, reach: Reach) {
        let decision = RedirectPolicy.decide(
            from: job.url, reach: reach, to: target, visited: job.visited, limit: configuration.maximumRedirects,
            allowDowngrade: configuration.allowDowngrade)
        switch decision {
        case .follow(let next):
            guard let origin = URLParts(next) else {
                return fail(job, Fault(.redirectRefused, "redirect to an unusable URL"))
            }
            statistics.withLock { $0.redirects += 1 }
            job.visited.append(next)
            job.origin = origin
            job.leastReach = max(job.leastReach, reach)
            admission.enqueue(job, atFront: true)
        case .refuse(let cause):
            retryOrFail(job, Fault(.redirectRefused, cause))
        }
    }

    private func retryOrFail(_ job: Job, _ fault: Fault) {
        let host = job.origin.host
        statistics.withLock { statistics in
            statistics.faults[fault.kind, default: 0] += 1
            statistics.updateHost(host) { $0.failures += 1 }
        }
        guard RetryPolicy.isTransient(fault), job.attempts < configuration.maximumAttempts else {
            return fail(job, fault)
        }
        let now = Instant.now
        guard let extra = retryBudget.wait(job.lane, now: now) else {
            var refused = fault
            refused.cause += "; too many requests fail to try again"
            return fail(job, refused)
        }
        let pause = retryPolicy.pause(afterAttempt: job.attempts, retryAfter: fault.retryAfter) + extra
        let retryAt = now.advanced(bySeconds: pause)
        if let deadline = job.request.deadline, retryAt >= deadline {
            let cause = "the next try would begin after the deadline (last: \(fault.cause))"
            return fail(job, Fault(.deadlineExceeded, cause))
        }
        retryBudget.spend()
        logger.info(
            "trying again",
            metadata: [
                "url": "\(job.request.url.prefix(300))", "host": "\(host)", "attempt": "\(job.attempts)",
                "cause": "\(fault.cause)", "pause": "\(pause)", "request": "\(job.request.requestID)",
            ])
        statistics.withLock { $0.retries += 1 }
        job.prepareRetry(after: fault)
        self.pause(job, until: retryAt)
    }

    /// The fault of a job whose deadline has passed, naming what it was waiting for.
    func deadlineFault(_ job: Job) -> Fault {
        let state =
            if let leg = job.leg {
                leg.headAt == nil ? "waiting for the reply" : "in the middle of the body"
            } else {
                job.attempts == 0 ? "waiting for a free connection" : "waiting for the next try"
            }
        let last = job.lastFault.map { "; last: \($0.cause)" } ?? ""
        return Fault(.deadlineExceeded, "the deadline passed (\(state)\(last))")
    }
}
