import Glibc
import Logging
import Support

@testable import Transport

/// Timeouts short enough for tests, and a fixed seed.
func testConfiguration(_ change: (inout TransportConfiguration) -> Void = { _ in }) -> TransportConfiguration {
    var configuration = TransportConfiguration(userAgent: "neuronfs-test")
    configuration.connectTimeout = 5
    configuration.firstByteTimeout = 5
    configuration.stallTimeout = 5
    configuration.backoffBase = 0.001
    configuration.backoffCeiling = 0.002
    configuration.retryAfterCeiling = 0.01
    configuration.jitterSeed = 7
    configuration.proxy = ""
    change(&configuration)
    return configuration
}

func testTransport(_ change: (inout TransportConfiguration) -> Void = { _ in }) -> Transport {
    do {
        return try Transport(
            testConfiguration(change), logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    } catch {
        fatalError("\(error)")
    }
}

typealias Reply = Result<HTTPResponse, TransportError>

/// Collects completions, and counts them, so that a second completion of one request is noticed.
final class Inbox: Sendable {
    private let replies = Monitor<[(key: Int, reply: Reply)]>([])

    func completion(_ key: Int = 0) -> @Sendable (Reply) -> Void {
        { reply in self.replies.update { $0.append((key, reply)) } }
    }

    var count: Int { replies.withLock { $0.count } }
    var keys: [Int] { replies.withLock { $0.map(\.key) } }

    /// The replies by key, once there are `count`.
    func wait(_ count: Int = 1) -> [Int: Reply] {
        replies.wait { replies in
            guard replies.count >= count else { return nil }
            return Dictionary(replies.map { ($0.key, $0.reply) }) { first, _ in first }
        }
    }
}

extension Transport {
    /// Runs one request to its end.
    func fetch(_ url: String, expects: BodyKind = .any, _ change: (inout HTTPRequest) -> Void = { _ in }) -> Reply {
        var request = HTTPRequest(url: url, expects: expects)
        change(&request)
        let inbox = Inbox()
        start(request, completion: inbox.completion())
        return inbox.wait()[0] ?? .failure(Fault(.reset, "no reply").error(url: url, host: "", attempts: 0))
    }
}

extension Result where Success == HTTPResponse, Failure == TransportError {
    var response: HTTPResponse? { if case .success(let response) = self { response } else { nil } }
    var error: TransportError? { if case .failure(let error) = self { error } else { nil } }
    var kind: TransportError.Kind? { error?.kind }
    var body: [UInt8]? { response?.body }
}

/// A head with Content-Length, and the body.
func reply(_ body: [UInt8], status: Int = 200, _ headers: [String] = [], length: Int? = nil) -> [Step] {
    let lines = ["HTTP/1.1 \(status) Scripted", "Content-Length: \(length ?? body.count)"] + headers
    return [.bytes(Array((lines.joined(separator: "\r\n") + "\r\n\r\n").utf8) + body)]
}

func reply(_ text: String, status: Int = 200, _ headers: [String] = [], length: Int? = nil) -> [Step] {
    reply(Array(text.utf8), status: status, headers, length: length)
}

/// The offsets of a `Range: bytes=a-b` header within a file of `size` bytes.
func requestedRange(_ request: ServerRequest, size: Int) -> Range<Int>? {
    guard let value = request.headers["range"], value.hasPrefix("bytes=") else { return nil }
    let ends = value.dropFirst(6).split(separator: "-", omittingEmptySubsequences: false)
    guard ends.count == 2, let first = Int(ends[0]) else { return nil }
    return first..<min(size, (Int(ends[1]) ?? size - 1) + 1)
}

/// The reply of a correct server for `file`.
func honest(_ file: [UInt8], _ request: ServerRequest, _ headers: [String] = []) -> [Step] {
    guard let range = requestedRange(request, size: file.count) else {
        return reply(file, ["Accept-Ranges: bytes"] + headers)
    }
    let contentRange = "Content-Range: bytes \(range.lowerBound)-\(range.upperBound - 1)/\(file.count)"
    return reply(Array(file[range]), status: 206, [contentRange] + headers)
}

/// Bytes that differ everywhere, so that a shift or a gap is noticed.
func pattern(_ count: Int, seed: UInt64 = 1) -> [UInt8] {
    var generator = SplitMix64(state: seed)
    return (0..<count).map { _ in UInt8(truncatingIfNeeded: generator.next()) }
}

/// The output of a shell command.
func output(of command: String) -> [UInt8] {
    guard let pipe = popen(command, "r") else { return [] }
    defer { pclose(pipe) }
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 65536)
    while true {
        let count = fread(&buffer, 1, buffer.count, pipe)
        guard count > 0 else { return bytes }
        bytes += buffer[..<count]
    }
}
