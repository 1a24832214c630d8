import Glibc
import Support

/// Waits until `condition` holds, by asking it again and again; the limit of a minute only ends a test that hangs.
package func eventually(_ condition: () -> Bool) -> Bool {
    let limit = Instant.now.advanced(bySeconds: 60)
    while Instant.now < limit {
        if condition() { return true }
        usleep(500)
    }
    return false
}
