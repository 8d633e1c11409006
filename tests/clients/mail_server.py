"""An e-mail server that takes every message: says its port, and writes each message to a file.

It speaks in clear, or with a certificate and its key over TLS: `tls` from the first byte, or
`starttls` before anything else.
"""

import asyncio
import json
import ssl
import sys

from aiosmtpd.smtp import SMTP


class Taken:
    """Keeps what is taken, one JSON object in a line, on disk before the sender is told."""

    def __init__(self, path):
        self.path = path

    async def handle_DATA(self, server, session, envelope):
        message = {
            "from": envelope.mail_from,
            "to": envelope.rcpt_tos,
            "text": envelope.content.decode("utf-8"),
        }
        with open(self.path, "a", encoding="utf-8") as file:
            file.write(json.dumps(message) + "\n")
        return "250 taken"


def context_of(certificate, key):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context


async def main(path, port, security="none", *files):
    loop = asyncio.get_running_loop()
    handler = Taken(path)
    context = context_of(*files) if files else None
    starttls = context if security == "starttls" else None

    def protocol():
        return SMTP(
            handler,
            hostname="localhost",
            tls_context=starttls,
            require_starttls=starttls is not None,
        )

    implicit = context if security == "tls" else None
    server = await loop.create_server(protocol, "127.0.0.1", port, ssl=implicit)
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2]), *sys.argv[3:]))
