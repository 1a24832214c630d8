import Glibc

/// Paths and the environment.
package enum Paths {
    /// The value of a variable; nil when it is absent or empty.
    package static func environment(_ name: String) -> String? {
        guard let value = unsafe getenv(name) else { return nil }
        let text = unsafe String(cString: value)
        return text.isEmpty ? nil : text
    }

    /// `path` from the root, whether or not a file is there.
    ///
    /// - Throws: for a relative path, when the working directory is gone or its name is not UTF-8.
    package static func absolute(_ path: String) throws(ConfigurationError) -> String {
        guard !path.hasPrefix("/") else { return path }
        let directory = unsafe getcwd(nil, 0)
        defer { unsafe free(directory) }
        guard let directory = unsafe directory else {
            throw ConfigurationError("cannot look up \(path): the working directory is gone")
        }
        guard let text = unsafe String(validatingCString: directory) else {
            throw ConfigurationError(
                "cannot look up \(path): the name of the working directory is not UTF-8, which all names of neuronfs are"
            )
        }
        return text + "/" + path
    }
}
