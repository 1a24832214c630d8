import Configuration
import Glibc

/// The command line and the variables of settings, as text.
///
/// Linux allows any bytes in both. Swift replaces bytes that are not UTF-8, so that a path would become the name of another
/// file. Such arguments are refused.
enum CommandWords {
    /// The arguments, with the program's name in front.
    ///
    /// - Throws: `Failure` 64 that names the argument or the variable.
    static func decoded() throws(Failure) -> [String] {
        for name in variables {
            guard let value = unsafe getenv(name), unsafe String(validatingCString: value) == nil else { continue }
            throw unsafe refusal("the variable \(name)", value)
        }
        var words: [String] = []
        for index in 0..<Int(CommandLine.argc) {
            guard let word = unsafe CommandLine.unsafeArgv[index] else { break }
            if let text = unsafe String(validatingCString: word) {
                words.append(text)
            } else if index == 0 {
                // The place of this program. No file is looked up by it.
                words.append(unsafe String(cString: word))
            } else {
                throw unsafe refusal("argument \(index)", word)
            }
        }
        return words
    }

    /// The variables that hold settings and the places of files.
    private static var variables: [String] {
        Settings.all.map(\.variable)
            + ["NEURONFS_CONFIG", "HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME"]
    }

    private static func refusal(_ subject: String, _ bytes: UnsafePointer<CChar>) -> Failure {
        Failure(
            sentence: "\(subject), \"\(unsafe escaped(bytes))\", is not UTF-8, which all names of neuronfs are: "
                + "rename the file, or name it through a link", code: 64)
    }

    /// The bytes of a C string, in printable ASCII: `caf\xE9.swc`.
    private static func escaped(_ bytes: UnsafePointer<CChar>) -> String {
        var text = ""
        let length = unsafe strlen(bytes)
        for index in 0..<length {
            let byte = UInt8(bitPattern: unsafe bytes[index])
            if (0x20..<0x7F).contains(byte) {
                text.unicodeScalars.append(Unicode.Scalar(byte))
            } else {
                text += "\\x" + (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: true)
            }
        }
        return text
    }
}
