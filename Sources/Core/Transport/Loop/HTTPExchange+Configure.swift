import CCurl
import Glibc

extension HTTPExchange {
    /// Sets every option of the easy handle for this exchange.
    ///
    /// - Parameter secondsOfDoubt: seconds since connections to this origin became doubtful; see ``DoubtfulOrigins``.
    func configure(
        _ configuration: TransportConfiguration, proxy: String?, certificateFile: String?, secondsOfDoubt: Double?
    ) {
        let request = job.request
        easy.reset()
        easy.set(CURLOPT_URL, job.url)
        easy.set(CURLOPT_USERAGENT, configuration.userAgent)
        easy.set(request.method == .head ? CURLOPT_NOBODY : CURLOPT_HTTPGET, 1)
        // RedirectPolicy judges each redirect, and each is an exchange of its own.
        easy.set(CURLOPT_FOLLOWLOCATION, 0)
        easy.set(CURLOPT_PROTOCOLS_STR, "http,https")
        easy.set(CURLOPT_NOSIGNAL, 1)
        // Without this option, removing a handle waits for a name look-up that hangs (libcurl 7.87 and later).
        easy.set(CURLOPT_QUICK_EXIT, 1)
        easy.set(CURLOPT_CONNECTTIMEOUT_MS, max(1, Int(configuration.connectTimeout * 1000)))
        easy.set(CURLOPT_TCP_KEEPALIVE, 1)
        easy.set(CURLOPT_BUFFERSIZE, 128 << 10)
        easy.set(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1)
        // Multiplexing is libcurl's default: a request uses an open HTTP/2 connection that has room. It does not wait
        // for a connection that is being set up (CURLOPT_PIPEWAIT). With that option, the first requests would queue
        // behind one handshake and, with HTTP/1, behind one whole reply.
        let version = configuration.acceptHTTP2 ? CURL_HTTP_VERSION_2TLS : CURL_HTTP_VERSION_1_1
        easy.set(CURLOPT_HTTP_VERSION, version)
        if let certificateFile { easy.set(CURLOPT_CAINFO, certificateFile) }
        // ProxyChoice has chosen. An empty text keeps libcurl from choosing itself.
        easy.set(CURLOPT_PROXY, proxy ?? "")
        easy.set(CURLOPT_NOPROXY, "")
        if let credentials = configuration.credentials, URLParts(credentials.url)?.origin == job.origin.origin {
            easy.set(CURLOPT_HTTPAUTH, 1)  // CURLAUTH_BASIC, a macro
            easy.set(CURLOPT_USERNAME, credentials.user)
            easy.set(CURLOPT_PASSWORD, credentials.password)
        }
        easy.setAddresses(configuration.addresses)
        if job.needsFreshConnection || secondsOfDoubt != nil { easy.set(CURLOPT_FRESH_CONNECT, 1) }
        // Closes the connections that were idle when the doubt began. 0 would mean no limit.
        if let secondsOfDoubt { easy.set(CURLOPT_MAXLIFETIME_CONN, max(1, Int(secondsOfDoubt))) }

        var headers: [String] = []
        if let lower = byteRequest.lower {
            headers.append("Range: bytes=\(lower)-\(byteRequest.upper.map { String($0 - 1) } ?? "")")
            if let validator = byteRequest.ifRange { headers.append("If-Range: \(validator)") }
        }
        if request.expects == .json, !byteRequest.isResume {
            easy.set(CURLOPT_ACCEPT_ENCODING, "gzip")
        } else {
            headers.append("Accept-Encoding: identity")
        }
        easy.setHeaders(headers)

        let context = unsafe Unmanaged.passUnretained(self).toOpaque()
        _ = unsafe shim_easy_set_write(easy.raw, CURLOPT_WRITEFUNCTION, receiveBody)
        unsafe easy.set(CURLOPT_WRITEDATA, context)
        _ = unsafe shim_easy_set_write(easy.raw, CURLOPT_HEADERFUNCTION, receiveHeader)
        unsafe easy.set(CURLOPT_HEADERDATA, context)
        _ = unsafe shim_easy_set_open_socket(easy.raw, openSocket)
        unsafe easy.set(CURLOPT_OPENSOCKETDATA, context)
        _ = unsafe shim_easy_set_before_request(easy.raw, beforeRequest)
        unsafe easy.set(CURLOPT_PREREQDATA, context)
    }
}

/// The corresponding C callback is `CURLOPT_OPENSOCKETFUNCTION`: the name has been resolved. A result that is no socket
/// makes libcurl try the next address, if there is one.
private func openSocket(
    _ context: UnsafeMutableRawPointer?, _ purpose: curlsocktype, _ address: UnsafeMutablePointer<curl_sockaddr>?
) -> curl_socket_t {
    guard let context = unsafe context, let address = unsafe address else { return CURL_SOCKET_BAD }
    let exchange = unsafe Unmanaged<HTTPExchange>.fromOpaque(context).takeUnretainedValue()
    var text = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
    guard unsafe shim_address_text(address, &text, socklen_t(text.count)) == 0 else { return CURL_SOCKET_BAD }
    let shown = String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    guard exchange.mayConnect(to: shown) else { return CURL_SOCKET_BAD }
    return unsafe socket(
        address.pointee.family, address.pointee.socktype | Int32(SOCK_CLOEXEC.rawValue), address.pointee.protocol)
}

/// The corresponding C callback is `CURLOPT_PREREQFUNCTION`. libcurl also calls it for connections that were open
/// before.
private func beforeRequest(
    _ context: UnsafeMutableRawPointer?, _ address: UnsafeMutablePointer<CChar>?, _ own: UnsafeMutablePointer<CChar>?,
    _ port: Int32, _ ownPort: Int32
) -> Int32 {
    guard let context = unsafe context, let address = unsafe address else { return CURL_PREREQFUNC_ABORT }
    let exchange = unsafe Unmanaged<HTTPExchange>.fromOpaque(context).takeUnretainedValue()
    return exchange.mayConnect(to: unsafe String(cString: address)) ? CURL_PREREQFUNC_OK : CURL_PREREQFUNC_ABORT
}

/// The corresponding C callback is `CURLOPT_WRITEFUNCTION`. A result other than the count aborts the exchange.
private func receiveBody(
    _ data: UnsafeMutablePointer<CChar>?, _ size: Int, _ count: Int, _ context: UnsafeMutableRawPointer?
) -> Int {
    guard let data = unsafe data, let context = unsafe context, count > 0 else { return 0 }
    let bytes = unsafe UnsafeRawBufferPointer(start: data, count: size * count)
    let exchange = unsafe Unmanaged<HTTPExchange>.fromOpaque(context).takeUnretainedValue()
    return unsafe exchange.takeBody(bytes) ? size * count : 0
}

/// The corresponding C callback is `CURLOPT_HEADERFUNCTION`.
private func receiveHeader(
    _ data: UnsafeMutablePointer<CChar>?, _ size: Int, _ count: Int, _ context: UnsafeMutableRawPointer?
) -> Int {
    guard let data = unsafe data, let context = unsafe context, count > 0 else { return 0 }
    let bytes = unsafe UnsafeRawBufferPointer(start: data, count: size * count)
    let exchange = unsafe Unmanaged<HTTPExchange>.fromOpaque(context).takeUnretainedValue()
    return unsafe exchange.takeHeader(bytes) ? size * count : 0
}
