import Logging
import Support

/// What follows the end of one exchange: the result, a redirect, another try, or the error.
extension EventLoop {
    /// - Parameter reach: the reach of the server that replied.
    func settle(_ job: Job, _ outcome: HTTPExchange.Outcome, reach: Reach) {
        if case .failed(let fault) = outcome, RetryPolicy.isBusy(fault) { return settleBusy(job, fault) }
        admission.host(job.origin.origin).gate.ended(job.id, tells: true, now: .now)
        publishBusyHosts()
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

    /// Queues a job. Fails it instead when the pause of a busy host lasts beyond the deadline of the job.
    func queue(_ job: Job, atFront: Bool = false) {
        admission.enqueue(job, atFront: atFront)
        failIfBusyTooLong(job, admission.host(job.origin.origin).gate)
    }

    private func failIfBusyTooLong(_ job: Job, _ gate: BusyGate) {
        guard let opensAt = gate.opensAt, let deadline = job.request.deadline, opensAt >= deadline else { return }
        // Another job got that reply, so the host is reachable for this one too.
        job.hasReplied = true
        let seconds = HTTPExchange.seconds(opensAt.seconds(since: .now).rounded(.up))
        fail(
            job,
            Fault(
                .deadlineExceeded,
                "the host is busy for \(seconds) more, which is after the deadline (last: \(gate.cause))"))
    }

    /// Handles a busy reply: a pause for all requests to this host. The job asks again after the pause, as long as it
    /// may. When the host has sent as many busy replies as a job may have tries, the waiting jobs fail too, without
    /// asking.
    private func settleBusy(_ job: Job, _ fault: Fault) {
        noteFault(job, fault)
        let now = Instant.now
        let origin = job.origin
        let host = admission.host(origin.origin)
        let isNews = host.gate.answeredBusy(job.id, cause: fault.cause, now: now) {
            retryPolicy.pause(afterAttempt: $0, retryAfter: fault.retryAfter)
        }
        let gate = host.gate
        publishBusyHosts()
        let isHopeless = isNews && gate.failures >= configuration.maximumAttempts
        let others = waiting(for: origin.origin)
        if isHopeless || job.attempts >= configuration.maximumAttempts {
            fail(job, fault)
        } else {
            logRetry(job, fault, host: origin.host, pause: gate.opensAt?.seconds(since: now) ?? 0)
            statistics.withLock { $0.retries += 1 }
            job.prepareRetry(after: fault)
            queue(job, atFront: true)
        }
        for other in others.sorted(by: { $0.id < $1.id }) {
            if isHopeless {
                var shared = fault
                shared.cause += " to \(gate.failures) requests in a row"
                other.hasReplied = true
                fail(other, shared)
            } else {
                failIfBusyTooLong(other, gate)
            }
        }
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
            queue(job, atFront: true)
        case .refuse(let cause):
            retryOrFail(job, Fault(.redirectRefused, cause))
        }
    }

    private func retryOrFail(_ job: Job, _ fault: Fault) {
        let host = job.origin.host
        noteFault(job, fault)
        guard RetryPolicy.isTransient(fault), job.attempts < configuration.maximumAttempts else {
            return fail(job, fault)
        }
        let now = Instant.now
        guard let extra = retryBudget.wait(job.lane, now: now) else {
            var refused = fault
            refused.cause += "; no further attempt, because too many requests fail"
            return fail(job, refused)
        }
        let pause = retryPolicy.pause(afterAttempt: job.attempts, retryAfter: fault.retryAfter) + extra
        let retryAt = now.advanced(bySeconds: pause)
        if let deadline = job.request.deadline, retryAt >= deadline {
            let cause = "the next try would begin after the deadline (last: \(fault.cause))"
            return fail(job, Fault(.deadlineExceeded, cause))
        }
        retryBudget.spend()
        logRetry(job, fault, host: host, pause: pause)
        statistics.withLock { $0.retries += 1 }
        job.prepareRetry(after: fault)
        self.pause(job, until: retryAt)
    }

    private func noteFault(_ job: Job, _ fault: Fault) {
        let host = job.origin.host
        statistics.withLock { statistics in
            statistics.faults[fault.kind, default: 0] += 1
            statistics.updateHost(host) { $0.failures += 1 }
        }
    }

    private func logRetry(_ job: Job, _ fault: Fault, host: String, pause: Double) {
        logger.info(
            "trying again",
            metadata: [
                "url": "\(job.request.url.prefix(300))", "host": "\(host)", "attempt": "\(job.attempts)",
                "cause": "\(fault.cause)", "pause": "\(pause)", "request": "\(job.request.requestID)",
            ])
    }

    private func publishBusyHosts() {
        let busy = admission.hosts.filter { !$0.value.gate.isOpen }.keys.sorted()
        statistics.withLock { if $0.busyHosts != busy { $0.busyHosts = busy } }
    }

    /// The fault of a job whose deadline has passed. It names what the job was waiting for.
    func deadlineFault(_ job: Job) -> Fault {
        let state =
            if let exchange = job.exchange {
                exchange.headAt == nil ? "waiting for the reply" : "in the middle of the body"
            } else {
                job.attempts == 0 ? "waiting for a free connection" : "waiting for the next try"
            }
        let gate = admission.hosts[job.origin.origin]?.gate
        let cause = job.lastFault?.cause ?? gate.flatMap { $0.isOpen ? nil : "the host is busy: \($0.cause)" }
        let last = cause.map { "; last: \($0)" } ?? ""
        return Fault(.deadlineExceeded, "the deadline passed (\(state)\(last))")
    }
}
