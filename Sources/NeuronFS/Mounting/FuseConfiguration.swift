import Glibc
import Support

/// The rights that the configuration of fusermount3 gives to this user.
enum FuseConfiguration {
    static let path = "/etc/fuse.conf"
    /// The command that permits `--allow-other` to all users.
    static let cure = "echo user_allow_other | sudo tee -a \(path)"

    /// Whether this user may mount for others: root always, other users by a line of ``path``.
    static var permitsAllowOther: Bool {
        guard geteuid() != 0 else { return true }
        do throws(Errno) {
            return permitsAllowOther(String(decoding: try readWholeFile(path), as: UTF8.self))
        } catch {
            // Without a readable file nothing is permitted: fusermount3 reads it with this user's rights, too.
            return false
        }
    }

    /// Whether a line of `text` is `user_allow_other`, without blanks and a comment after #.
    private static func permitsAllowOther(_ text: String) -> Bool {
        text.split(separator: "\n").contains { line in
            line.prefix { $0 != "#" }.split(whereSeparator: \.isWhitespace) == ["user_allow_other"]
        }
    }
}
