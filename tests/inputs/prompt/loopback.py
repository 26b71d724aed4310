"""A server on this machine that speaks DashScope's protocol, as well or as badly as it is told."""

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

JSON = "application/json; charset=utf-8"

Act = Callable[[BaseHTTPRequestHandler], None]


@dataclass(frozen=True)
class Asked:
    """A request as it came."""

    path: str
    headers: Mapping[str, str]
    body: dict[str, Any]


@dataclass
class Service:
    """Where the server is, what it was asked, and what it is to do next; after the last it does that again."""

    url: str
    acts: list[Act]
    asked: list[Asked] = field(default_factory=list)
    is_over: threading.Event = field(default_factory=threading.Event)

    def hang(self, handler: BaseHTTPRequestHandler) -> None:
        self.is_over.wait(30)

    def drip(self, handler: BaseHTTPRequestHandler) -> None:
        """An answer whose every byte comes soon, and whose end never does."""
        handler.send_response(200)
        handler.send_header("Content-Type", JSON)
        handler.send_header("Content-Length", "100000")
        handler.end_headers()
        while not self.is_over.wait(0.02):
            handler.wfile.write(b" ")
            handler.wfile.flush()


def say(status: int, body: bytes | str, kind: str = JSON, **headers: str) -> Act:
    content = body.encode() if isinstance(body, str) else body

    def act(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        handler.send_header("Content-Type", kind)
        handler.send_header("Content-Length", str(len(content)))
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.end_headers()
        handler.wfile.write(content)

    return act


def refuse(status: int, code: str, message: str, **headers: str) -> Act:
    return say(status, json.dumps({"code": code, "message": message, "request_id": "1"}), **headers)


def answer_text(text: str, finish_reason: str = "stop") -> Act:
    return _answer(text, finish_reason)


def answer_parts(text: str) -> Act:
    """As models that see answer."""
    return _answer([{"text": text}], "stop")


def _answer(content: Any, finish_reason: str) -> Act:
    message = {"role": "assistant", "content": content}
    body = {
        "output": {"choices": [{"finish_reason": finish_reason, "message": message}]},
        "usage": {"input_tokens": 321, "output_tokens": 45},
        "request_id": "1",
    }
    return say(200, json.dumps(body))


def stop_half_way(handler: BaseHTTPRequestHandler) -> None:
    handler.send_response(200)
    handler.send_header("Content-Type", JSON)
    handler.send_header("Content-Length", "1000")
    handler.end_headers()
    handler.wfile.write(b'{"output": {"choices": [{"mess')


def hang_up(handler: BaseHTTPRequestHandler) -> None:
    handler.close_connection = True


@contextmanager
def serving(*acts: Act) -> Iterator[Service]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            act = service.acts.pop(0) if len(service.acts) > 1 else service.acts[0]
            service.asked.append(Asked(self.path, dict(self.headers), body))
            try:
                act(self)
            except (BrokenPipeError, ConnectionResetError):
                self.close_connection = True

        def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = False
    service = Service(f"http://127.0.0.1:{server.server_port}/api/v1", list(acts))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield service
    finally:
        service.is_over.set()
        server.shutdown()
        thread.join()
        server.server_close()
