import Glibc
import Support
import Testing

@testable import Transport

@Suite struct TLSTests {
    @Test func serverWithoutTLSIsATLSError() {
        // The server sends a greeting before it reads, as a mail server does. That is no TLS hello.
        let server = ScriptedServer(greeting: "220 not a web server\r\n") { _ in [] }
        let transport = testTransport()
        let error = transport.fetch("https://127.0.0.1:\(server.port)/x").error
        #expect(error?.kind == .tls)
        #expect(error?.context.attempts == 1)
        #expect(error?.isTransient == false)
    }

    @Test func connectionCutInTheHandshakeIsNoTLSError() {
        let server = ScriptedServer(greeting: nil) { _ in [] }
        let transport = testTransport { $0.maximumAttempts = 2 }
        let error = transport.fetch("https://127.0.0.1:\(server.port)/x").error
        #expect(error?.kind == .reset)
        #expect(error?.context.attempts == 2)
    }

    @Test(.enabled(if: access("/usr/bin/openssl", X_OK) == 0, "needs the openssl command"))
    func selfSignedCertificateIsRefusedUnlessItsAuthorityIsGiven() throws {
        let folder = shell("mktemp -d")
        try #require(folder.hasPrefix("/"))
        defer { _ = shell("rm -r '\(folder)'") }
        let request = "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost"
        let names = "-addext subjectAltName=DNS:localhost,IP:127.0.0.1"
        _ = shell("\(request) \(names) -keyout '\(folder)/key' -out '\(folder)/certificate' 2>&1")
        let serve = "openssl s_server -accept 127.0.0.1:0 -cert '\(folder)/certificate' -key '\(folder)/key' -www"
        let process = try #require(Int32(shell("\(serve) </dev/null >'\(folder)/log' 2>&1 & echo $!")))
        defer { kill(process, SIGKILL) }
        // s_server names the port that it was given: "ACCEPT 127.0.0.1:43210".
        let line = shell("for i in $(seq 200); do grep -m1 ACCEPT '\(folder)/log' && break; sleep 0.05; done")
        let port = try #require(line.split(separator: ":").last.flatMap { Int($0) })

        let strict = testTransport()
        let error = strict.fetch("https://127.0.0.1:\(port)/").error
        #expect(error?.kind == .tls)
        #expect(error?.context.attempts == 1)
        #expect(error?.description.hasPrefix("host 127.0.0.1: TLS refused (") == true)

        let trusting = testTransport { $0.certificateFile = "\(folder)/certificate" }
        #expect(trusting.fetch("https://127.0.0.1:\(port)/").response?.head.status == 200)
    }

    private func shell(_ command: String) -> String {
        String(decoding: output(of: command), as: UTF8.self).split(separator: "\n").last.map(String.init) ?? ""
    }
}
