"""An SMS service that takes every message: says its port, and writes each message to a file.

SMPP is spoken by `smpp34`, which knows no TLS as a server; with a certificate and its key, TLS is
ended in front of it.
"""

import asyncio
import json
import socket
import ssl
import sys

import smpp34

#: Letters of GSM 03.38 that ASCII has elsewhere, as far as they are used.
NORDIC = {0x0F: "å", 0x1D: "æ", 0x0C: "ø"}


def words(septets):
    return "".join(NORDIC.get(one, chr(one)) for one in septets)


def reference(event):
    tags = {one.tag: one.as_int() for one in event.tlvs}
    return tags.get(smpp34.TLV_USER_MESSAGE_REFERENCE)


def keep(path, event):
    """On disk before the sender is told."""
    message = {
        "from": event.source_addr,
        "to": event.destination_addr,
        "text": words(event.short_message),
        "reference": reference(event),
    }
    with open(path, "a", encoding="utf-8") as file:
        file.write(json.dumps(message) + "\n")


async def copy(reader, writer):
    try:
        while data := await reader.read(4096):
            writer.write(data)
            await writer.drain()
    except OSError:
        pass
    finally:
        writer.close()


async def ends_tls(port, behind, certificate, key):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)

    async def connected(reader, writer):
        inner_reader, inner_writer = await asyncio.open_connection("127.0.0.1", behind)
        await asyncio.gather(copy(reader, inner_writer), copy(inner_reader, writer))

    await asyncio.start_server(connected, "127.0.0.1", port, ssl=context)


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as found:
        return found.getsockname()[1]


async def main(path, port, *tls):
    port = port or free_port()
    behind = free_port() if tls else port
    server = smpp34.Server(host="127.0.0.1", port=behind, system_id="sms-center")
    await server.start()
    if tls:
        await ends_tls(port, behind, *tls)
    print(port, flush=True)
    number = 0
    while True:
        event = await server.next()
        if isinstance(event, smpp34.SubmitSmEvent):
            number += 1
            keep(path, event)
            event.accept(message_id=str(number))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2]), *sys.argv[3:]))
