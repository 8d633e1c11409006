"""Where the gateway is, how it is trusted, who asks, and under which permit.

What holds:

- **No token leaves without TLS**, but to this machine, and then only if it is asked for.
- **Tokens and permits are never shown**: not by `repr`, not in an error.
- **A file is read at each call**, so that a renewed token is taken without a new connection.
"""

from __future__ import annotations

import ipaddress
import os
import pathlib
from collections.abc import Callable
from dataclasses import dataclass, field

import grpc

from .errors import ConfigurationError

#: The gateway of Flight SQL and research; a target may name another one.
PORT_DEFAULT = 443
#: The largest answer, in bytes: a table at its limits, or a ledger of words.
RESPONSE_BYTES_MAX = 64 << 20
#: The longest wait before a lost gateway is looked for again, in milliseconds.
RECONNECT_MS_MAX = 2_000
#: A secret file is one line; more is some other file, in bytes.
_SECRET_BYTES_MAX = 1 << 20

Secret = str | Callable[[], str]
PathLike = str | os.PathLike[str]


@dataclass(frozen=True)
class Connection:
    """A checked description of a connection; nothing is opened yet."""

    target: str
    insecure: bool
    tls_ca: pathlib.Path | None
    _token: Callable[[], str] = field(repr=False)
    _permit: Callable[[], str] | None = field(repr=False)

    @property
    def options(self) -> list[tuple[str, int]]:
        return [
            ("grpc.max_receive_message_length", RESPONSE_BYTES_MAX),
            # A proxy would see what is asked.
            ("grpc.enable_http_proxy", 0),
            # Else a gateway that was long away is not looked for again for up to two minutes, and
            # "try again in a moment" would not be true.
            ("grpc.max_reconnect_backoff_ms", RECONNECT_MS_MAX),
        ]

    def credentials(self) -> grpc.ChannelCredentials:
        trusted = None
        if self.tls_ca is not None:
            trusted = _read(self.tls_ca, "the certificates to trust").encode()
        return grpc.ssl_channel_credentials(trusted)

    def metadata(self) -> list[tuple[str, str]]:
        """What goes with each call."""
        token = self._token().strip().removeprefix("Bearer ").strip()
        if not token or not token.isascii() or not token.isprintable() or " " in token:
            raise ConfigurationError("the access token is empty or not a token; get a new one")
        return [("authorization", f"Bearer {token}")]

    def data_permit(self) -> str:
        if self._permit is None:
            raise ConfigurationError(
                "a question needs a data permit; connect with `permit_file=` or `data_permit=`"
            )
        return self._permit().strip()


def describe(
    target: str,
    *,
    token: Secret | None,
    token_file: PathLike | None,
    data_permit: Secret | None,
    permit_file: PathLike | None,
    tls_ca: PathLike | None,
    insecure: bool,
) -> Connection:
    """Checks what `connect` was given."""
    host_port, says_plain = _without_scheme(target)
    host = host_port.rpartition(":")[0].strip("[]")
    if insecure and not _is_loopback(host):
        raise ConfigurationError(
            "`insecure` is for a gateway on this machine only; leave it out, and TLS is used"
        )
    if insecure and tls_ca is not None:
        raise ConfigurationError("`tls_ca` and `insecure` exclude each other")
    if says_plain and not insecure:
        raise ConfigurationError(
            "`http://` is without TLS; write `https://`, or `insecure=True` on this machine"
        )
    if (token is None) == (token_file is None):
        raise ConfigurationError("name the access token with `token_file=` or with `token=`")
    if data_permit is not None and permit_file is not None:
        raise ConfigurationError("`data_permit` and `permit_file` exclude each other")
    permit = None
    if data_permit is not None or permit_file is not None:
        permit = _secret(data_permit, permit_file, "the data permit")
    return Connection(
        target=host_port,
        insecure=insecure,
        tls_ca=None if tls_ca is None else pathlib.Path(tls_ca),
        _token=_secret(token, token_file, "the access token"),
        _permit=permit,
    )


def _without_scheme(target: str) -> tuple[str, bool]:
    scheme, found, rest = target.partition("://")
    if not found:
        scheme, rest = "", target
    if scheme not in ("", "http", "https", "grpc", "grpc+tls"):
        raise ConfigurationError("a target is HOST:PORT, such as `research.example:443`")
    rest = rest.rstrip("/")
    if "/" in rest or not rest:
        raise ConfigurationError("a target is HOST:PORT, such as `research.example:443`")
    host, colon, port = rest.rpartition(":")
    if not colon or (rest.startswith("[") and rest.endswith("]")):
        return f"{rest}:{PORT_DEFAULT}", scheme in ("http", "grpc")
    if not host or not port.isdigit() or not 1 <= int(port) <= 65_535:
        raise ConfigurationError("a target is HOST:PORT, such as `research.example:443`")
    return rest, scheme in ("http", "grpc")


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _secret(given: Secret | None, file: PathLike | None, what: str) -> Callable[[], str]:
    if file is not None:
        path = pathlib.Path(file)
        _read(path, what)  # a wrong name is told at once
        return lambda: _read(path, what)
    if callable(given):
        return given
    text = given or ""
    return lambda: text


def _read(path: pathlib.Path, what: str) -> str:
    try:
        with path.open("rb") as file:
            content = file.read(_SECRET_BYTES_MAX + 1)
    except OSError as error:
        raise ConfigurationError(
            f"{what} cannot be read from `{path}`: {error.strerror or 'no such file'}"
        ) from None
    if len(content) > _SECRET_BYTES_MAX:
        raise ConfigurationError(f"`{path}` is too large to be {what}")
    try:
        return content.decode()
    except UnicodeDecodeError:
        raise ConfigurationError(f"`{path}` is no text, so it is not {what}") from None
