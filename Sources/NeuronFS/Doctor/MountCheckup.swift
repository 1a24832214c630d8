import FuseAdapter
import Glibc
import Support

/// Examines whether mounts answer and read as fast as they can.
enum MountCheckup {
    /// The kernel's read-ahead that a mount sets, KiB. Without root it stays at 128.
    private static let wantedReadAhead = 1024

    static func findings(of mounts: [(mount: MountTable.Entry, state: MountState)]) -> [Finding] {
        mounts.flatMap { findings(of: $0.mount, $0.state) }
    }

    private static func findings(of mount: MountTable.Entry, _ state: MountState) -> [Finding] {
        let path = mount.path
        let text = "\(path) \(state.trouble(of: mount) ?? "is of another version of this program")"
        let status: JSONValue
        switch state {
        case .alive(let document?): status = document
        case .alive(nil), .closed: return [.note(text)]
        case .dead: return [.bad(text, cure: "neuronfs umount \(path)")]
        case .silent:
            let kill = MountProcess.serving(mount).map { "kill -9 \($0); " } ?? ""
            return [.bad(text, cure: "\(kill)neuronfs umount \(path)")]
        }
        var findings = [Finding.ok("\(path) serves \(status["catalogue"]?["cells"]?.intValue ?? 0) cells")]
        if let reason = status["catalogue"]?["refused_list"]?["reason"]?.stringValue {
            findings.append(
                .bad(
                    "\(path) does not take the newest list of cells: \(reason)",
                    cure: "if the new list is right, neuronfs sync --accept \(path); the mount asks again hourly"))
        }
        let unreachable = status["network"]?["unreachable"]?.arrayValue?.compactMap(\.stringValue) ?? []
        if !unreachable.isEmpty {
            findings.append(
                .bad(
                    "\(path) cannot reach \(unreachable.joined(separator: ", ")); what is cached is served",
                    cure: "the mount tries again by itself; see the endpoint below"))
        }
        if let failures = status["cache"]?["write_failures"]?.intValue, failures > 0 {
            findings.append(
                .bad("\(failures) blocks could not be cached", cure: "make room on the cache's disk, then read on"))
        }
        if let file = ReadAheadSetting.controlFile(forMountOn: path), let now = readAhead(file) {
            findings.append(
                now >= wantedReadAhead
                    ? .ok("\(path) is read ahead by \(now) KiB")
                    : .note(
                        "\(path) is read ahead by \(now) KiB only, which makes buffered reads slower",
                        cure: "echo \(wantedReadAhead) | sudo tee \(file)"))
        }
        return findings
    }

    private static func readAhead(_ file: String) -> Int? {
        do throws(Errno) {
            let text = String(decoding: try readWholeFile(file), as: UTF8.self)
            return text.split(whereSeparator: \.isWhitespace).first.flatMap { Int($0) }
        } catch {
            // This kernel has no such setting.
            return nil
        }
    }
}
