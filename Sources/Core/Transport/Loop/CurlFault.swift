import CCurl

/// Translates the failures of libcurl.
enum CurlFault {
    /// The fault of an exchange that ended before a reply's head was complete.
    static func beforeHead(_ code: CURLcode, _ text: String, _ configuration: TransportConfiguration) -> Fault {
        let detail = text.isEmpty ? unsafe String(cString: curl_easy_strerror(code)) : text
        switch code {
        case CURLE_COULDNT_RESOLVE_HOST, CURLE_COULDNT_RESOLVE_PROXY:
            return Fault(.unresolvedHost, "name not resolved (\(detail))")
        case CURLE_COULDNT_CONNECT:
            return Fault(.connectFailed, "no connection (\(detail))")
        case CURLE_OPERATION_TIMEDOUT:
            // The connect timeout is the only one that libcurl has.
            return Fault(.connectFailed, "no connection within \(HTTPExchange.seconds(configuration.connectTimeout))")
        case CURLE_GOT_NOTHING:
            return Fault(.reset, "the connection was closed without a reply")
        case CURLE_UNSUPPORTED_PROTOCOL, CURLE_WEIRD_SERVER_REPLY:
            // The scheme of the URL was checked before, so the reply is what libcurl does not support.
            return Fault(.badShape, "no HTTP reply (\(detail))")
        case CURLE_URL_MALFORMAT:
            return Fault(.invalidRequest, "unusable URL (\(detail))")
        case CURLE_SSL_CONNECT_ERROR where isCut(detail):
            return Fault(.reset, "the connection was cut during the TLS handshake (\(detail))")
        case let code where isTLS(code):
            return Fault(.tls, "TLS refused (\(detail))")
        default:
            return Fault(.reset, "the connection was lost (\(detail))")
        }
    }

    /// The fault of an exchange that ended within a body.
    static func inBody(_ code: CURLcode, _ text: String, got: Int, of length: Int?) -> Fault {
        let detail = text.isEmpty ? unsafe String(cString: curl_easy_strerror(code)) : text
        switch code {
        case CURLE_BAD_CONTENT_ENCODING:
            return Fault(.badShape, "broken compression (\(detail))")
        default:
            let end = length.map { "\(got) of \($0) bytes" } ?? "\(got) bytes"
            return Fault(.truncated, "the body was cut after \(end) (\(detail))")
        }
    }

    /// libcurl also reports `CURLE_SSL_CONNECT_ERROR` when the network breaks during the handshake.
    private static func isCut(_ text: String) -> Bool {
        text.contains("SSL_ERROR_SYSCALL") || text.contains("reset by peer") || text.contains("Broken pipe")
    }

    private static func isTLS(_ code: CURLcode) -> Bool {
        [
            CURLE_SSL_CONNECT_ERROR, CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_CERTPROBLEM, CURLE_SSL_CIPHER,
            CURLE_SSL_CACERT_BADFILE, CURLE_SSL_ISSUER_ERROR, CURLE_SSL_INVALIDCERTSTATUS, CURLE_SSL_ENGINE_NOTFOUND,
            CURLE_SSL_ENGINE_SETFAILED, CURLE_SSL_ENGINE_INITFAILED, CURLE_SSL_CRL_BADFILE, CURLE_SSL_CLIENTCERT,
            CURLE_SSL_PINNEDPUBKEYNOTMATCH, CURLE_USE_SSL_FAILED,
        ].contains { $0 == code }
    }
}
