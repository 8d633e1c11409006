"""An e-mail server that takes every message: says its port, and writes each message to a file."""

import asyncio
import json
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


async def main(path, port):
    loop = asyncio.get_running_loop()
    handler = Taken(path)
    server = await loop.create_server(
        lambda: SMTP(handler, hostname="localhost"), "127.0.0.1", port
    )
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2])))
