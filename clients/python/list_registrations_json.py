#!/usr/bin/env python3
"""Lists where a citizen is registered, over HTTP and JSON, with Python's own library only."""

import json
import ssl
import sys
import urllib.error
import urllib.parse
import urllib.request

import listing

# A listing of every register is far smaller.
ANSWER_MAX_BYTES = 1 << 20


class NoRedirect(urllib.request.HTTPRedirectHandler):
    """Follows nobody elsewhere with a token in hand."""

    def redirect_request(self, *_):
        return None


def fetch(args, token, national_id):
    """Asks, and gives the listing as it came."""
    url = urllib.parse.urlsplit(args.url)
    if url.scheme != "https" and not listing.is_loopback(url.hostname):
        raise listing.ListingError("without TLS only this machine is asked; say https://")
    body = {"nationalId": national_id, "omitCatalogue": True}
    if args.deadline_ms is not None:
        body["deadlineMs"] = args.deadline_ms
    request = urllib.request.Request(
        args.url.rstrip("/") + "/v1/registrations",
        data=json.dumps(body).encode(),
        headers={
            "Authorization": f"Bearer {token}",
            "Content-Type": "application/json",
            "Accept": "application/json",
        },
    )
    opener = urllib.request.build_opener(
        # A proxy would see who asks.
        urllib.request.ProxyHandler({}),
        urllib.request.HTTPSHandler(context=ssl.create_default_context(cafile=args.ca_file)),
        NoRedirect,
    )
    try:
        with opener.open(request, timeout=listing.timeout_seconds(args)) as answer:
            return json.loads(answer.read(ANSWER_MAX_BYTES))
    except urllib.error.HTTPError as error:
        raise listing.ListingError(refusal(error)) from None
    except ValueError:
        raise listing.ListingError("the gateway's answer is not JSON") from None


def refusal(error):
    """Why the gateway refused: the status, its own words, and the stable reason."""
    try:
        problem = json.loads(error.read(ANSWER_MAX_BYTES))
        words = problem.get("detail") or problem.get("title") or error.reason
        reason = problem.get("reason")
    except (ValueError, AttributeError):
        words, reason = error.reason, None
    return f"{error.code}: {words}" + (f" ({reason})" if reason else "")


if __name__ == "__main__":
    parser = listing.arguments(__doc__, "--url", "the gateway, for example https://innsyn.example")
    sys.exit(listing.run(parser, fetch))
