import Glibc
import Support

/// The state of a mount, found by opening it.
enum MountState: Sendable {
    /// It answers. The value is its `.neuronfs/status.json`, nil when it is of another version.
    case alive(JSONValue?)
    /// Its process has ended.
    case dead
    /// Its process runs and does not answer: it is stopped, or waits without end.
    case silent
    /// It admits only the user who mounted it. Not even root may read it.
    case closed

    /// Seconds that a mount has to answer. It answers from memory, and a busy machine needs a fraction of this time.
    static let patience = 5.0

    /// Opens the mount on `path`.
    init(of path: String) { self = Look(path).outcome(by: Instant.now.advanced(bySeconds: Self.patience)) }

    /// Opens all of `mounts` at the same time. Together they have ``patience`` seconds.
    static func all(of mounts: [MountTable.Entry]) -> [(mount: MountTable.Entry, state: MountState)] {
        let looks = mounts.map { ($0, Look($0.path)) }
        let deadline = Instant.now.advanced(bySeconds: patience)
        return looks.map { ($0, $1.outcome(by: deadline)) }
    }

    /// Why `mount` in this state cannot be used, to end a sentence that begins with its path; nil when it can.
    func trouble(of mount: MountTable.Entry) -> String? {
        switch self {
        case .alive: nil
        case .dead: "is dead: its process has ended"
        case .silent: "does not answer: its process is stopped or stuck"
        case .closed: "was mounted by \(mount.ownerText) without --allow-other"
        }
    }
}

/// Opens a mount in a thread of its own. A thread that waits without end is left behind and ends with this process.
private final class Look: Sendable {
    private let state = Monitor<MountState?>(nil)

    init(_ path: String) {
        let look: @Sendable () -> Void = { [state] in
            let outcome = Self.look(path)
            state.update { $0 = outcome }
        }
        do throws(ThreadError) {
            _ = try NamedThread("look", body: look)
        } catch {
            // Without a thread, a mount that does not answer delays the command. That is better than no answer about any mount.
            look()
        }
    }

    func outcome(by deadline: Instant) -> MountState { state.wait(until: deadline) { $0 } ?? .silent }

    /// Opens the directory, because the kernel answers `stat` from memory.
    private static func look(_ path: String) -> MountState {
        guard let directory = unsafe opendir(path) else { return refused(Errno.current) }
        unsafe closedir(directory)
        let document: [UInt8]
        do throws(Errno) {
            document = try readWholeFile("\(path)/.neuronfs/status.json")
        } catch {
            return refused(error)
        }
        do {
            return .alive(try JSONValue.parse(document))
        } catch {
            return .alive(nil)
        }
    }

    private static func refused(_ reason: Errno) -> MountState {
        switch reason.rawValue {
        case ENOTCONN, ECONNABORTED: .dead
        case EACCES: .closed
        default: .alive(nil)
        }
    }
}
