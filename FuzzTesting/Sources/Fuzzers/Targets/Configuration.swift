@testable import Configuration

/// The user's configuration file, and the list behind `-o`. The input is the text of the file; as a list it is words
/// with commas. Accepted settings have values in their ranges. A refusal is one sentence that names the place.
@Sendable func fuzzConfiguration(_ bytes: [UInt8]) {
    do throws(ConfigurationError) {
        settle(Resolution(readsEnvironment: false, file: try ConfigurationFile.parse(bytes, path: "/c.json")))
    } catch {
        require(error.sentence.utf8.contains("/c.json".utf8), "a refusal names the file: \(error.sentence)")
    }
    do throws(ConfigurationError) {
        var resolution = Resolution(readsEnvironment: false)
        resolution.mountOptions = try MountOptionList.parse([String(decoding: bytes, as: UTF8.self)])
        settle(resolution)
    } catch {
        require(error.sentence.utf8.starts(with: "-o ".utf8), "a refusal names the option: \(error.sentence)")
    }
}

private func settle(_ resolution: Resolution) {
    for name in Settings.names.subtracting(resolution.file.values.keys).subtracting(resolution.mountOptions.keys) {
        require(resolution.text(name) == nil, "what nobody said has no text")
    }
    do throws(ConfigurationError) {
        let settings = try resolution.mountSettings()
        require(settings.cacheSize.bytes >= 0 && settings.cacheFree.bytes >= 0, "sizes are not negative")
        require((0.1...86_400).contains(settings.timeout), "the timeout lies in its range")
        require((1...64).contains(settings.maxConnections), "connections lie in their range")
        require((0...64).contains(settings.readAhead), "read-ahead lies in its range")
        require((0...20).contains(settings.retries), "retries lie in their range")
        require(settings.logFile?.hasPrefix("/") ?? true, "the log file is absolute")
        let endpoint = try resolution.value(Settings.endpoint)
        require(!endpoint.url.hasSuffix("/"), "the endpoint has no slash at its end")
        require(Endpoint(argument: endpoint.url)?.user == nil, "the URL of an endpoint names no user")
    } catch {
        require(!error.sentence.isEmpty, "a refusal says why")
    }
}
