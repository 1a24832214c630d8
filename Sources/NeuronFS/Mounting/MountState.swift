import Glibc
import Support

/// What a mount says when somebody looks in.
enum MountState: Sendable {
    /// It answers: its `.neuronfs/status.json`, nil when it is of another version.
    case alive(JSONValue?)
    /// Its process has ended.
    case dead
    /// Its process is there and does not answer: it is stopped, or stuck.
    case silent
    /// It lets nobody in but the user who mounted it, not even root.
    case closed

    /// Seconds that a mount has to answer. It does so from memory: a busy machine needs a fraction of it.
    static let patience = 5.0

    /// Looks into the mount on `path`.
    init(of path: String) { self = Look(path).outcome(by: Instant.now.advanced(bySeconds: Self.patience)) }

    /// Looks into all of `mounts` at the same time: together they have ``patience`` seconds.
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
        case .closed: "belongs to \(mount.ownerText), who alone can look in"
        }
    }
}

/// A look into a mount by a thread of its own. One that is stuck can only be left behind: it ends with this process.
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
            // Where there can be no thread, a mount that is stuck holds up the command: better than no answer about any.
            look()
        }
    }

    func outcome(by deadline: Instant) -> MountState { state.wait(until: deadline) { $0 } ?? .silent }

    /// Asks by opening: the kernel answers `stat` from memory.
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
