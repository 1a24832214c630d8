"""Whether each error that a mount answered has a cause that was injected: log line by log line.

The daemon logs every errno it answers with the reason. The reason names a kind of fault; one of that kind must have been
done to a request shortly before. A reason that no fault explains is a complaint, and so is an error that a reader got
and the log does not have.
"""

import collections
import datetime
import errno
import os
import re

LINE = re.compile(r'^(\S+) warning fuse (.*) errno="([^"]*)" request=\d+')
# Longer than any reader waits: two deadlines of the soak's mount, for a page that the kernel asks for twice.
WINDOW = 45
BROKEN = {"refuse", "reset", "close"}
SLOW = {"stall_headers", "stall_body", "drip"}
# A reason that the first pattern fits is explained by one of these faults.
CAUSES = [
    (r"has changed upstream", {"change_etag"}),
    (r"redirect loop|redirects? in a row", {"redirect_loop"}),
    (r"TLS refused", {"tls"}),
    (r"not cached, and the network is off or out of reach", BROKEN | {"stall_headers"}),
    (r"no connection|the connection was", BROKEN),
    (r"no reply within", {"stall_headers"}),
    (r"only \d+ bytes in|no byte for", {"stall_body", "drip"}),
    (r"deadline|no answer within|after the timeout", SLOW | BROKEN | {"429", "503", "500", "delay"}),
    (r"HTTP status 429", {"429"}), (r"HTTP status 503", {"503"}), (r"HTTP status 500", {"500"}),
    (r"text/html in place of", {"html"}), (r"application/json in place of", {"huge_json", "gzip_bomb"}),
    (r"body was cut|body ended after", {"half_body", "long_length"} | BROKEN),
    (r"in reply to a request for", {"wrong_range"}),
    (r"exceeds the limit", {"huge_json", "gzip_bomb", "long_length"}),
    (r"JPEG|image/jpeg", {"jpeg_size", "jpeg_flip", "jpeg_truncate", "short_length", "empty"}),
    (r"JSON|rows", {"truncated_json", "short_length", "huge_json", "gzip_bomb", "empty", "html"}),
    (r"no bytes, and of no version|octet-stream in place of", {"empty"}),
    (r"bytes announced|bytes in place of|Content-Length|server announces",
     {"empty", "long_length", "short_length", "jpeg_size", "wrong_range"}),
]
# After a change the next true reply is another change: there is no end to what follows from it.
LASTING = {"change_etag"}


def unexplained(log, requests, clock, errors):
    """Complaints about a mount's `log`.

    `requests` are the proxy's, `clock` is time.time() - time.monotonic(), and `errors` counts what readers got by name.
    """
    found, answered = [], collections.Counter()
    done = collections.defaultdict(list)
    for request in requests:
        if request.fault:
            done[request.fault].append(request.time)
    for line in log.splitlines():
        match = LINE.match(line)
        if not match:
            continue
        answered[match[3]] += 1
        at = datetime.datetime.fromisoformat(match[1]).timestamp() - clock
        faults = next((faults for pattern, faults in CAUSES if re.search(pattern, match[2])), set())
        if not any(time <= at + 0.1 and (fault in LASTING or time > at - WINDOW)
                   for fault in faults for time in done[fault]):
            found.append(f"an error that nothing injected explains: {line}")
    for name, count in errors.items():
        logged = answered[os.strerror(getattr(errno, name))]
        if count > logged:
            found.append(f"{count} times {name}, of which the log has {logged}")
    return found
