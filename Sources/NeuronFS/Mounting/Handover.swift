import CPosix
import Configuration
import Glibc
import Support

/// How a command gives the daemon that it starts its settings: one document on a descriptor that the daemon inherits. A
/// command line is everybody's to read (`ps`), and a password may be among the settings; so it may be among the
/// variables that name a proxy, which go the same way.
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

    /// The environment of a daemon: without what the document has, and without our own variables, which the settings
    /// have been read from.
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

    /// The settings that the starting command has left, in the daemon. Sets the variables of the document.
    ///
    /// Before the first thread: `setenv` is not safe beside one.
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
