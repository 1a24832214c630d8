import Glibc

enum ListenerTuning {
    /// Switches Nagle's algorithm off on the listening socket of `port`. On Linux, accepted sockets inherit this
    /// setting.
    ///
    /// FlyingFox writes header and body separately and gives no access to its sockets. With Nagle and delayed
    /// acknowledgement, every reply on a kept connection may wait 40 ms. The socket is found by its address among the
    /// descriptors of this process.
    static func disableNagle(port: UInt16) {
        for descriptor in Int32(3)..<1024 {
            var listening: Int32 = 0
            var size = socklen_t(MemoryLayout<Int32>.size)
            guard unsafe getsockopt(descriptor, SOL_SOCKET, SO_ACCEPTCONN, &listening, &size) == 0, listening == 1
            else {
                continue
            }
            var address = sockaddr_in()
            var length = socklen_t(MemoryLayout<sockaddr_in>.size)
            let found = unsafe withUnsafeMutablePointer(to: &address) { pointer in
                unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    unsafe getsockname(descriptor, $0, &length) == 0
                }
            }
            guard found, address.sin_family == sa_family_t(AF_INET), address.sin_port == port.bigEndian else {
                continue
            }
            var on: Int32 = 1
            unsafe setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &on, socklen_t(MemoryLayout<Int32>.size))
        }
    }
}
