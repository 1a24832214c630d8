import CCurl
import Logging
import Support

/// The transport thread. It owns the curl multi handle and every job.
///
/// One turn of the loop: take commands, admit jobs, call `curl_multi_perform`, settle what has ended, check the times.
/// Then `curl_multi_poll` sleeps until a socket, a timer or another thread has work. Deadlines are checked after the
/// sockets, against the time before the sockets were read. So a process that was stopped for a while does not drop
/// bytes that arrived in time.
@safe final class EventLoop {
    let configuration: TransportConfiguration
    let statistics: Monitor<TransportStatistics>
    let logger: Logger
    private let mailbox: Mailbox
    private let received: Counter
    private let multi: UnsafeMutableRawPointer
    private var idleHandles: [EasyHandle] = []
    /// By the address of their easy handle.
    private var exchanges: [UInt: HTTPExchange] = [:]
    private var jobs: [UInt64: Job] = [:]
    var admission: Admission
    private var timers = TimerQueue()
    /// When jobs were last admitted.
    private var admittedAt = Instant.now
    /// When the loop next checks whether a job must give its place back.
    private var fairnessCheckAt = Instant.now
    private var doubts: DoubtfulOrigins
    var retryPolicy: RetryPolicy
    var retryBudget: RetryBudget
    private let certificateFile: String?
    private let proxies: ProxyChoice

    init(
        _ configuration: TransportConfiguration, multi: UnsafeMutableRawPointer, mailbox: Mailbox,
        statistics: Monitor<TransportStatistics>, received: Counter, logger: Logger
    ) {
        self.configuration = configuration
        unsafe self.multi = multi
        self.mailbox = mailbox
        self.statistics = statistics
        self.received = received
        self.logger = logger
        admission = Admission(configuration)
        doubts = DoubtfulOrigins(configuration)
        retryPolicy = RetryPolicy(configuration)
        retryBudget = RetryBudget(configuration, patience: configuration.backoffCeiling, now: .now)
        certificateFile = configuration.effectiveCertificateFile
        proxies = configuration.proxy.map { ProxyChoice(fixed: $0) } ?? ProxyChoice()
        _ = unsafe shim_multi_set_long(multi, CURLMOPT_MAXCONNECTS, configuration.maxConnections)
        _ = unsafe shim_multi_set_long(multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, configuration.maxConnections)
        // Admission keeps this limit. libcurl must not: it counts idle HTTP/2 connections, beside which retries open
        // new ones.
        let perHost = max(1, configuration.maxConnectionsPerHost)
        _ = unsafe shim_multi_set_long(multi, CURLMOPT_MAX_HOST_CONNECTIONS, perHost)
    }

    /// Serves until the mailbox says stop. Then it fails the remaining jobs and frees the handles.
    func run() {
        mailbox.adopt()
        while true {
            let (commands, isStopping) = mailbox.take()
            for command in commands { handle(command) }
            if isStopping { break }
            admit()
            let now = Instant.now
            var running: Int32 = 0
            _ = unsafe curl_multi_perform(multi, &running)
            var hasWork = settleEnded()
            if checkTime(now) { hasWork = true }
            publishGauges()
            if !hasWork { _ = unsafe curl_multi_poll(multi, nil, 0, pollMilliseconds(), nil) }
        }
        // A completion may start another request. `start` refuses it by now, so the table only shrinks.
        for job in jobs.values.sorted(by: { $0.id < $1.id }) {
            fail(job, Fault(.shutDown, "the transport was shut down"))
        }
        publishGauges()
        mailbox.close()
        idleHandles = []
        _ = unsafe curl_multi_cleanup(multi)
    }

    // MARK: Commands

    private func handle(_ command: Command) {
        switch command {
        case .start(let id, let request, let begun, let completion): start(id, request, begun, completion)
        case .promote(let id):
            if let job = jobs[id] { admission.promote(job) }
        case .cancel(let id):
            if let job = jobs[id] { fail(job, Fault(.cancelled, "cancelled")) }
        }
    }

    private func start(_ id: UInt64, _ request: HTTPRequest, _ begun: Instant, _ completion: @escaping Completion) {
        statistics.withLock { $0.requests += 1 }
        let range = request.range
        guard let origin = URLParts(request.url), range.map({ !$0.isEmpty && $0.lowerBound >= 0 }) ?? true else {
            let cause = range.map { $0.isEmpty || $0.lowerBound < 0 } ?? false ? "unusable range" : "unusable URL"
            statistics.withLock { statistics in
                statistics.failed += 1
                statistics.errors[.invalidRequest, default: 0] += 1
            }
            completion(.failure(Fault(.invalidRequest, cause).error(url: request.url, host: "unknown", attempts: 0)))
            return
        }
        let job = Job(id: id, request: request, origin: origin, begun: begun, completion: completion)
        jobs[id] = job
        if let deadline = request.deadline {
            guard deadline > begun else { return fail(job, deadlineFault(job)) }
            timers.add(job, at: deadline, live: jobs.count)
        }
        queue(job)
    }

    /// The jobs that wait for a place at an origin.
    func waiting(for origin: String) -> [Job] {
        jobs.values.filter { $0.state == .queued && $0.origin.origin == origin }
    }

    // MARK: Exchanges

    private func admit() {
        admittedAt = .now
        while let job = admission.next(admittedAt) {
            guard let easy = idleHandles.popLast() ?? EasyHandle() else {
                admission.release(job)
                fail(job, Fault(.connectFailed, "no memory for a connection"))
                continue
            }
            let proxy = proxies.proxy(for: job.origin)
            let exchange = HTTPExchange(
                job, easy, configuration, isProxied: proxy != nil, received: received, now: .now)
            begin(exchange, proxy: proxy)
        }
    }

    private func begin(_ exchange: HTTPExchange, proxy: String?) {
        let job = exchange.job
        if job.visited.count == 1 { job.attempts += 1 }
        job.state = .active
        job.exchange = exchange
        exchanges[exchange.easy.address] = exchange
        let doubt = doubts.secondsOfDoubt(job.origin.origin, now: exchange.started)
        exchange.configure(configuration, proxy: proxy, certificateFile: certificateFile, secondsOfDoubt: doubt)
        statistics.withLock { statistics in
            statistics.updateHost(job.origin.host) { $0.attempts += 1 }
            if exchange.byteRequest.isResume { statistics.resumed += 1 }
        }
        logger.debug("asking", metadata: trace(job, ["attempt": "\(job.attempts)"]))
        _ = unsafe curl_multi_add_handle(multi, exchange.easy.raw)
    }

    /// Removes an exchange from libcurl and keeps its handle. The connection survives if the exchange was complete.
    ///
    /// - Parameter isGivenUp: whether no reader waits for the reply any longer. A host that does not reply at all is
    ///   slow, too. Such a wait counts when it was longer than the usual reply time of the host.
    private func detach(_ exchange: HTTPExchange, isGivenUp: Bool = false) {
        _ = unsafe curl_multi_remove_handle(multi, exchange.easy.raw)
        let connections = exchange.easy.integer(CURLINFO_NUM_CONNECTS)
        exchanges[exchange.easy.address] = nil
        exchange.job.exchange = nil
        if exchange.headAt != nil { exchange.job.hasReplied = true }
        admission.release(exchange.job, replyTime: exchange.headAt?.seconds(since: exchange.started))
        if idleHandles.count < configuration.window { idleHandles.append(exchange.easy) }
        let host = exchange.job.origin.host
        statistics.withLock { statistics in
            statistics.connections += connections
            let seconds = (exchange.headAt ?? .now).seconds(since: exchange.started)
            statistics.updateHost(host) { host in
                if exchange.headAt != nil || isGivenUp && seconds > host.latency { host.measure(seconds) }
            }
        }
    }

    /// Keeps later requests off the connection of `exchange`, which is given up for its silence, and off the
    /// connections beside it.
    private func distrust(_ exchange: HTTPExchange, _ now: Instant) {
        // Other streams keep an HTTP/2 connection open. libcurl closes it when the last stream that has this option
        // ends.
        exchange.easy.set(CURLOPT_FORBID_REUSE, 1)
        doubts.add(exchange.job.origin.origin, now: now)
    }

    /// Settles every exchange that libcurl has finished with. Returns whether there was one.
    private func settleEnded() -> Bool {
        var hadSome = false
        var left: Int32 = 0
        while let message = unsafe curl_multi_info_read(multi, &left) {
            guard unsafe message.pointee.msg == CURLMSG_DONE, let raw = unsafe message.pointee.easy_handle,
                let exchange = exchanges[UInt(bitPattern: raw)]
            else { continue }
            hadSome = true
            let outcome = exchange.outcome(unsafe message.pointee.data.result)
            let version = exchange.easy.protocolName
            detach(exchange)
            logger.debug("answered", metadata: trace(exchange.job, exchange.trace(version)))
            settle(exchange.job, outcome, reach: exchange.reach)
        }
        return hadSome
    }

    // MARK: Time

    /// Acts on deadlines, ends of pauses and slow exchanges at the time `now`, up to which the sockets have been read.
    /// Returns whether a job may be ready to start.
    private func checkTime(_ now: Instant) -> Bool {
        var isReady = false
        while let job = timers.popDue(now) {
            if job.state == .finished { continue }
            if let deadline = job.request.deadline, deadline <= now {
                fail(job, deadlineFault(job))
                // The place of the job is free for a waiting one.
                isReady = true
            } else if job.state == .pausing, let retryAt = job.retryAt, retryAt <= now {
                admission.enqueue(job, atFront: true)
                isReady = true
            }
        }
        for exchange in Array(exchanges.values) {
            guard let fault = exchange.timeFault(now) else { continue }
            let reason = exchange.reason(stoppedBy: fault)
            distrust(exchange, now)
            detach(exchange, isGivenUp: true)
            settle(exchange.job, .failed(reason), reach: exchange.reach)
            isReady = true
        }
        if now >= fairnessCheckAt, admission.isCrowded {
            fairnessCheckAt = now.advanced(bySeconds: Self.fairnessInterval)
            if let overdue = admission.overdue(exchanges.values.map(\.job)), overdue.due <= now {
                takeBack(overdue)
                isReady = true
            }
        }
        return isReady
    }

    /// Seconds between two checks of waiting jobs against held places. A job keeps its place at least ten times as
    /// long.
    private static let fairnessInterval = 0.1

    /// Takes the place of a job back. The job waits again, behind all others.
    private func takeBack(_ overdue: Admission.Overdue) {
        let job = overdue.job
        guard let exchange = job.exchange else { return }
        logger.debug("a place is taken back for a job that waits", metadata: trace(job, [:]))
        if overdue.exceedsHalf { admission.host(job.origin.origin).places.cap(job, .now) }
        admission.host(job.origin.origin).gate.ended(job.id, tells: false, now: .now)
        detach(exchange, isGivenUp: true)
        job.yield()
        admission.enqueue(job)
        admission.host(job.origin.origin).places.yield(job)
    }

    private func pollMilliseconds() -> Int32 {
        let now = Instant.now
        var next = now.advanced(bySeconds: 60)
        if let timer = timers.next { next = min(next, timer) }
        for host in admission.hosts.values where !host.queues.allSatisfy(\.isEmpty) {
            // A gate that was open at the last admission means that the job found no place; no time ends that wait.
            if let instant = host.gate.opensAt, instant > admittedAt { next = min(next, instant) }
        }
        if admission.isCrowded { next = min(next, fairnessCheckAt) }
        for exchange in exchanges.values { next = min(next, exchange.nextCheck) }
        return Int32((max(0, next.seconds(since: now)) * 1000).rounded(.up))
    }

    /// Lets `job` wait until `instant` for its next try.
    func pause(_ job: Job, until instant: Instant) {
        job.state = .pausing
        job.retryAt = instant
        timers.add(job, at: instant, live: jobs.count)
    }

    /// The log fields of an exchange: the URL and the id of the read or look-up that it serves. The id is 0 when no
    /// reader waits.
    private func trace(_ job: Job, _ more: Logger.Metadata) -> Logger.Metadata {
        more.merging(["request": "\(job.request.requestID)", "url": "\(job.url.prefix(300))"]) { new, _ in new }
    }

    // MARK: Ends

    /// Completes `job` with an error, in whatever state it is.
    func fail(_ job: Job, _ fault: Fault) {
        let host = job.origin.host
        if let exchange = job.exchange {
            let now = Instant.now
            if exchange.wasSilent(now) { distrust(exchange, now) }
            admission.host(exchange.job.origin.origin).gate.ended(job.id, tells: false, now: now)
            detach(exchange, isGivenUp: true)
        }
        let error = fault.error(
            url: job.request.url, host: host, attempts: job.attempts, hasReplied: job.hasReplied)
        finish(job, .failure(error))
    }

    /// Hands the result to the caller, once.
    func finish(_ job: Job, _ result: Result<HTTPResponse, TransportError>) {
        guard job.state != .finished, let completion = job.completion else { return }
        job.state = .finished
        job.completion = nil
        job.partial = Job.Partial()
        jobs[job.id] = nil
        statistics.withLock { statistics in
            switch result {
            case .success: statistics.succeeded += 1
            case .failure(let error):
                if error.kind == .cancelled { statistics.cancelled += 1 } else { statistics.failed += 1 }
                statistics.errors[error.kind, default: 0] += 1
            }
        }
        publishGauges()
        completion(result)
    }

    private func publishGauges() {
        let active = admission.active
        let waiting = jobs.count - active
        statistics.withLock { statistics in
            statistics.inFlight = active
            statistics.waiting = waiting
        }
    }
}
