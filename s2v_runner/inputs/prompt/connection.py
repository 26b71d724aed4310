"""The line to a service: one request, one answer, and an end to waiting."""

import io
import ipaddress
import time
from typing import Any
from urllib.parse import urlsplit

import requests
import urllib3

_MOST_BYTES = 1 << 20
"""An answer has a few thousand."""


class LostConnectionError(Exception):
    """Nothing, or not all of an answer, came back. Another try may do better."""


class Connection(requests.Session):
    """A session for DashScope's client that gives up after `patience` seconds, however slowly an answer drips.

    It goes to this machine directly, whatever proxy the environment names; it sends the key to nobody to whom it is
    redirected, and no other key that ~/.netrc may have. What fails is raised as LostConnectionError, which the client
    does not know and so does not answer by a request of its own.
    """

    def __init__(self, url: str, patience: float) -> None:
        super().__init__()
        self._patience = patience
        self.trust_env = not _is_this_machine(url)
        self.auth = _as_it_is
        self.received: requests.Response | None = None
        """What came back, whatever the client makes of it."""

    def send(self, request: requests.PreparedRequest, **kwargs: Any) -> requests.Response:
        deadline = time.monotonic() + self._patience
        options = {**kwargs, "stream": True, "allow_redirects": False, "timeout": self._patience}
        try:
            response = super().send(request, **options)
            try:
                body = _read(response, deadline)
            finally:
                response.close()
        except (requests.Timeout, urllib3.exceptions.TimeoutError, _DeadlineError) as error:
            raise LostConnectionError(f"no answer within {self._patience:g} s") from error
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise LostConnectionError(f"the connection failed ({_reason(error)})") from error
        response.raw = io.BytesIO(body)
        self.received = response
        return response


class _DeadlineError(Exception):
    pass


def _read(response: requests.Response, deadline: float) -> bytes:
    """All of the body, each part as it comes: a read of a given size would wait for a slow server for ever."""
    body = bytearray()
    while part := response.raw.read1(_MOST_BYTES, decode_content=True):
        body += part
        if time.monotonic() > deadline:
            raise _DeadlineError
        if len(body) > _MOST_BYTES:
            raise ValueError(f"it is longer than {_MOST_BYTES:,} bytes")
    return bytes(body)


def _as_it_is(request: requests.PreparedRequest) -> requests.PreparedRequest:
    return request


def _is_this_machine(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def _reason(error: BaseException) -> str:
    """The system's own word for it, where there is one below what libraries wrapped around it."""
    reason, cause = type(error).__name__, error
    while cause is not None:
        if isinstance(cause, OSError) and cause.strerror:
            reason = cause.strerror
        cause = cause.__cause__ or cause.__context__
    return reason
