"""Whether each error that a mount answered has a cause that was injected: log line by log line.

The daemon logs every errno it answers with the reason. The reason names a kind of fault; one of that kind must have been
done to a request shortly before: to that URL when the line names one, and then as many faults as there were attempts. A
reason that no fault explains is a complaint, and so is an error that a reader got and the log does not have.
"""

import collections
import datetime
import errno
import os
import re

# A URL names a query, and may hold any word.
URL = re.compile(r" \(https?://[^/\s]+(\S*)\)")
ATTEMPTS = re.compile(r"after (\d+) attempts?")
LINE = re.compile(r'^(\S+) warning fuse (.*) errno="([^"]*)" .*?(?:repeated=(\d+) )?request=\d+')
# Longer than any reader waits: two deadlines of the soak's mount, for a page that the kernel asks for twice.
WINDOW = 45
BROKEN = {"refuse", "reset", "close"}
# A closed listener breaks the connections of other requests and refuses their next attempts, which nobody sees: all of them,
# when their pauses happen to be short. It was not longer ago than the attempts and the pauses behind them take, s each.
ATTEMPT = 3
SLOW = {"stall_headers", "stall_body", "drip"}
# A reason that the first pattern fits is explained by one of these faults. Some do to others than their name says: a redirect
# with a range is a page, half a JPEG is half a JSON.
CAUSES = [
    (r"has changed upstream", {"change_etag"}),
    (r"redirect loop|redirects? in a row", {"redirect_loop"}),
    (r"TLS refused", {"tls"}),
    (r"not cached, and the network is off or out of reach", BROKEN | {"stall_headers"}),
    (r"no connection|the connection was", BROKEN),
    (r"no reply within", {"stall_headers"}),
    (r"only \d+ bytes in|no byte for", {"stall_body", "drip"}),
    (r"deadline|no answer within|after the timeout|waited too long", SLOW | BROKEN | {"429", "503", "500", "delay"}),
    (r"HTTP status 429", {"429"}), (r"HTTP status 503", {"503"}), (r"HTTP status 500", {"500"}),
    (r"text/html in place of", {"html", "wrong_range"}), (r"application/json in place of", {"huge_json", "gzip_bomb"}),
    (r"body was cut|body ended after", {"half_body", "long_length"} | BROKEN),
    (r"in reply to a request for", {"wrong_range"}),
    (r"exceeds the limit", {"huge_json", "gzip_bomb", "long_length"}),
    (r"JPEG|image/jpeg", {"jpeg_size", "jpeg_flip", "jpeg_truncate", "truncated_json", "short_length", "empty"}),
    (r"JSON|rows", {"truncated_json", "short_length", "huge_json", "gzip_bomb", "empty", "html"}),
    (r"no bytes, and of no version|octet-stream in place of", {"empty"}),
    (r"bytes announced|bytes in place of|Content-Length|server announces",
     {"empty", "long_length", "short_length", "jpeg_size", "truncated_json", "wrong_range"}),
]
# After a change the next true reply is another change: there is no end to what follows from it.
LASTING = {"change_etag"}


def unexplained(log, requests, clock, errors, redirects=None):
    """Complaints about a mount's `log`.

    `requests` are the proxy's, `clock` is time.time() - time.monotonic(), `errors` counts what readers got by name, and
    `redirects` leads from a path to the one that was asked for first.
    """
    found, answered = [], collections.Counter()
    faulted = [request for request in requests if request.fault]
    for line in log.splitlines():
        match = LINE.match(line)
        if not match:
            continue
        answered[match[3]] += int(match[4] or 1)
        at = datetime.datetime.fromisoformat(match[1]).timestamp() - clock
        reason, url = URL.sub("", match[2]), URL.search(match[2])
        faults = next((faults for pattern, faults in CAUSES if re.search(pattern, reason)), set())
        before = [one for one in faulted if one.time <= at + 0.1 and (one.fault in LASTING or one.time > at - WINDOW)]
        if url and (tried := ATTEMPTS.search(reason)):
            # The attempt that a deadline has ended may have met nothing.
            attempts = int(tried[1]) - ("deadline" in reason)
            met = met_by(before, url[1], redirects or {})
            is_broken = any(one.fault == "refuse" and one.time > at - ATTEMPT * int(tried[1]) for one in before)
            is_explained = explains(met, is_broken, faults, attempts)
        else:
            met = "?"
            is_explained = any(one.fault in faults for one in before)
        if not is_explained:
            found.append(f"an error that nothing injected explains, its URL has met {met}: {line}")
    for name, count in errors.items():
        logged = answered[os.strerror(getattr(errno, name))]
        if count > logged:
            found.append(f"{count} times {name}, of which the log has {logged}")
    return found


def met_by(faulted, shown, redirects):
    """The faults of requests for the URL that a log line shows, and for where the origin sent them on to."""
    path, is_cut = shown.removesuffix("..."), shown.endswith("...")
    asked = ((redirects.get(one.path, one.path), one.fault) for one in faulted)
    return [fault for whole, fault in asked if whole == path or (is_cut and whole.startswith(path))]


def explains(met, is_broken, faults, attempts):
    """Whether each of so many attempts met a fault, and one that fits the reason: any will do for those before the last."""
    fits = any(fault in faults for fault in met) or (is_broken and "refuse" in faults)
    return fits and (is_broken or len(met) >= attempts)
