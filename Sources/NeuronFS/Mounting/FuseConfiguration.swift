import Glibc
import Support

/// What fusermount3 lets this user do, by its configuration.
enum FuseConfiguration {
    static let path = "/etc/fuse.conf"
    /// The command that permits `--allow-other` to all users.
    static let cure = "echo user_allow_other | sudo tee -a \(path)"

    /// Whether this user may let others in: root always, everybody else by a line of ``path``.
    static var permitsAllowOther: Bool {
        guard geteuid() != 0 else { return true }
        do throws(Errno) {
            return permitsAllowOther(String(decoding: try readWholeFile(path), as: UTF8.self))
        } catch {
            // Without the file, or the right to read it, nothing is permitted: fusermount3 reads it as this user, too.
            return false
        }
    }

    /// Whether a line of `text` is `user_allow_other`, blanks and what follows a # aside.
    private static func permitsAllowOther(_ text: String) -> Bool {
        text.split(separator: "\n").contains { line in
            line.prefix { $0 != "#" }.split(whereSeparator: \.isWhitespace) == ["user_allow_other"]
        }
    }
}
