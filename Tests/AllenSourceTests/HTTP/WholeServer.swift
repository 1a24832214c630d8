import Support
import TestTools
import Testing

@testable import Transport

/// A server that answers every range with the whole file.
final class WholeServer: Sendable {
    struct Plan {
        var length = 0
        var headers = ["etag": "\"v\""]
        /// After how many bytes a try breaks and the transfer starts afresh.
        var breaksAt: [Int] = []
        /// After how many bytes the transfer fails for good.
        var failsAt: Int?
        /// Waits at this byte until ``release``.
        var pausesAt: Int?
        var announced: Int?
    }

    let plan: Monitor<Plan>
    let downloads = Counter()
    let paused = Monitor(false)
    private let released = Monitor(false)
    private let threads = Monitor<[NamedThread]>([])

    init(_ plan: Plan) { self.plan = Monitor(plan) }

    func release() { released.update { $0 = true } }
    func join() { for thread in threads.withLock({ $0 }) { thread.join() } }

    func serve(_ call: ScriptedHTTP.Call) {
        let plan = self.plan.withLock { $0 }
        guard let sink = call.request.sink else {
            call.fail { .rangeIgnored(totalLength: plan.announced ?? plan.length, $0) }
            return
        }
        downloads.add()
        do {
            let thread = try NamedThread("server") { self.stream(call, sink, plan) }
            threads.withLock { $0.append(thread) }
        } catch {
            Issue.record(error)
        }
    }

    private func stream(_ call: ScriptedHTTP.Call, _ sink: any BodySink, _ plan: Plan) {
        var sizes = 9
        for end in plan.breaksAt + [plan.failsAt ?? plan.length] {
            let head = ResponseHead(status: 200, headers: plan.headers, finalURL: call.request.url)
            guard sink.begin(head) else {
                call.fail { .refusedBySink($0) }
                return
            }
            var offset = 0
            while offset < end {
                if let pause = plan.pausesAt, offset >= pause {
                    paused.update { $0 = true }
                    released.wait { $0 ? () : nil }
                }
                sizes = (sizes * 48_271) % 300_007
                let count = min(sizes, end - offset)
                guard fileBytes(offset..<offset + count).withUnsafeBytes({ sink.receive($0) }) else {
                    call.fail { .refusedBySink($0) }
                    return
                }
                offset += count
            }
        }
        if plan.failsAt == nil { call.reply([], plan.headers) } else { call.fail { .truncated($0) } }
    }
}
