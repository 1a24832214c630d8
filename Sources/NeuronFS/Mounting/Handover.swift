import CPosix
import Configuration
import Glibc
import Support

/// Gives the daemon that a command starts its settings, as one document on a descriptor that the daemon inherits. All users
/// can read a command line (`ps`), and settings may hold a password. Variables that name a proxy may hold one as well, so they
/// go the same way.
enum Handover {
    /// The descriptor in the daemon.
    static let descriptor: Int32 = 4

    /// Variables that may hold a password and that the daemon needs.
    private static let proxies = ["http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"]

    /// A descriptor of the document for a daemon with these settings.
    static func document(_ settings: [String: String]) throws(Errno) -> Int32 {
        var variables: [String: String] = [:]
        for name in proxies { variables[name] = Paths.environment(name) }
        func object(_ texts: [String: String]) -> JSONValue {
            var object = JSONObject()
            for (name, text) in texts.sorted(by: { $0.key < $1.key }) { object[name] = .string(text) }
            return .object(object)
        }
        let document: JSONValue = ["settings": object(settings), "environment": object(variables)]
        let memory = unsafe posix_memory_file("neuronfs-settings")
        guard memory >= 0 else { throw Errno(rawValue: -memory) }
        do throws(Errno) {
            try writeAll(document.bytes(), to: memory)
            guard lseek(memory, 0, SEEK_SET) == 0 else { throw Errno.current }
        } catch {
            close(memory)
            throw error
        }
        return memory
    }

    /// The environment of a daemon, without the variables of the document and without those of settings, which the document
    /// contains.
    static var environment: [String] {
        var entries: [String] = []
        var next = unsafe environ
        while let entry = unsafe next.pointee {
            let text = unsafe String(cString: entry)
            let name = String(text.prefix { $0 != "=" })
            if !name.hasPrefix("NEURONFS_"), !proxies.contains(name) { entries.append(text) }
            unsafe next += 1
        }
        return entries
    }

    /// Reads the document in the daemon: returns the settings and sets the variables.
    ///
    /// Call it before the first thread starts, because `setenv` is not safe beside another thread.
    static func receive() throws(ConfigurationError) -> [String: String] {
        let document: JSONValue
        do {
            document = try JSONValue.parse(try readWholeFile("/proc/self/fd/\(descriptor)"))
        } catch {
            throw ConfigurationError(
                "no settings on descriptor \(descriptor): --report-readiness is for daemons that neuronfs mount starts")
        }
        close(descriptor)
        for (name, value) in document["environment"]?.objectValue?.members ?? [] {
            if let text = value.stringValue { unsafe setenv(name, text, 1) }
        }
        var settings: [String: String] = [:]
        for (name, value) in document["settings"]?.objectValue?.members ?? [] { settings[name] = value.stringValue }
        return settings
    }
}
