import Glibc
import Transport

/// Time-outs of the transport from the environment, for tests that would else wait half a minute for each stalled reply.
/// No options: whoever mounts has `--timeout`, which bounds them all.
enum TransportOverrides {
    /// Sets what the environment names, in seconds.
    ///
    /// - Throws: the name of a variable that holds no number of seconds above 0, at most a day.
    static func apply(to configuration: inout TransportConfiguration) throws(Failure) {
        try read("NEURONFS_CONNECT_TIMEOUT", into: &configuration.connectTimeout)
        try read("NEURONFS_FIRST_BYTE_TIMEOUT", into: &configuration.firstByteTimeout)
        try read("NEURONFS_STALL_TIMEOUT", into: &configuration.stallTimeout)
        try read("NEURONFS_BACKOFF_BASE", into: &configuration.backoffBase)
    }

    private static func read(_ name: String, into seconds: inout Double) throws(Failure) {
        guard let text = Paths.environment(name) else { return }
        guard let value = Double(text), value > 0, value <= 86_400 else {
            throw Failure(sentence: "\(name)=\(text) is not a number of seconds", code: 2)
        }
        seconds = value
    }
}
