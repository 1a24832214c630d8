import CCurl

/// One libcurl easy handle, which serves one exchange after another. Used on the transport thread only.
@safe final class EasyHandle {
    let raw: UnsafeMutableRawPointer
    /// Identifies the handle.
    var address: UInt { unsafe UInt(bitPattern: raw) }
    private var headers: UnsafeMutablePointer<curl_slist>?
    private var addresses: UnsafeMutablePointer<curl_slist>?
    private let message = UnsafeMutablePointer<CChar>.allocate(capacity: Int(CURL_ERROR_SIZE))

    init?() {
        guard let handle = unsafe curl_easy_init() else { return nil }
        unsafe raw = handle
        unsafe message.initialize(repeating: 0, count: Int(CURL_ERROR_SIZE))
    }

    deinit {
        unsafe curl_easy_cleanup(raw)
        unsafe curl_slist_free_all(headers)
        unsafe curl_slist_free_all(addresses)
        unsafe message.deallocate()
    }

    /// Resets every option. The connections belong to the multi handle and stay open.
    func reset() {
        unsafe curl_easy_reset(raw)
        unsafe curl_slist_free_all(headers)
        unsafe curl_slist_free_all(addresses)
        unsafe headers = nil
        unsafe addresses = nil
        unsafe message.pointee = 0
        _ = unsafe shim_easy_set_pointer(raw, CURLOPT_ERRORBUFFER, message)
    }

    func set(_ option: CURLoption, _ value: Int) { _ = unsafe shim_easy_set_long(raw, option, value) }

    func set(_ option: CURLoption, _ value: String) { _ = unsafe shim_easy_set_string(raw, option, value) }

    func set(_ option: CURLoption, _ value: UnsafeMutableRawPointer) {
        _ = unsafe shim_easy_set_pointer(raw, option, value)
    }

    func setHeaders(_ lines: [String]) {
        for line in lines {
            if let longer = unsafe curl_slist_append(headers, line) { unsafe headers = longer }
        }
        _ = unsafe shim_easy_set_slist(raw, CURLOPT_HTTPHEADER, headers)
    }

    /// Fixes the addresses of names; an empty list leaves all names to the name service.
    func setAddresses(_ lines: [String]) {
        for line in lines {
            if let longer = unsafe curl_slist_append(addresses, line) { unsafe addresses = longer }
        }
        if !lines.isEmpty { _ = unsafe shim_easy_set_slist(raw, CURLOPT_RESOLVE, addresses) }
    }

    func integer(_ info: CURLINFO) -> Int {
        var value = 0
        _ = unsafe shim_easy_get_long(raw, info, &value)
        return value
    }

    /// The HTTP version of the reply, as negotiated by ALPN; empty without a reply.
    var protocolName: String {
        switch integer(CURLINFO_HTTP_VERSION) {
        case CURL_HTTP_VERSION_1_0: "HTTP/1.0"
        case CURL_HTTP_VERSION_1_1: "HTTP/1.1"
        case CURL_HTTP_VERSION_2_0: "HTTP/2"
        default: ""
        }
    }

    func string(_ info: CURLINFO) -> String? {
        var value: UnsafePointer<CChar>?
        _ = unsafe shim_easy_get_string(raw, info, &value)
        return unsafe value.map { unsafe String(cString: $0) }
    }

    /// The text in which libcurl describes the last failure; empty when there is none.
    var errorText: String { unsafe String(cString: message) }
}
