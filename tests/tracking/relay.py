"""A line to a server that can be cut."""

import http.client
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Relay:
    """Hands requests on to a server, the first `allowance` of them; the one after that is handed on and not answered.

    From then on every request finds the line dead.
    """

    def __init__(self, port: int) -> None:
        self.port = port
        self.allowance = 0
        self.seen = 0
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._make_handler())
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05})
        self._thread.start()

    @property
    def uri(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def allow(self, requests: int) -> None:
        """From now on."""
        self.allowance, self.seen = requests, 0

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def take(self) -> int:
        """How many more requests are allowed, this one included: 0 for the one to go unanswered, less for the dead."""
        with self._lock:
            self.seen += 1
            return self.allowance - self.seen + 1

    def _make_handler(self) -> type[BaseHTTPRequestHandler]:
        relay = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def hand_on(self) -> None:
                left = relay.take()
                if left < 0:
                    self.close_connection = True
                    return
                status, headers, content = self.ask()
                if left == 0:
                    self.close_connection = True
                    return
                self.send_response(status)
                for name in ("Content-Type", "Content-Disposition"):
                    if name in headers:
                        self.send_header(name, headers[name])
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            do_GET = do_POST = do_PUT = do_PATCH = hand_on

            def ask(self) -> tuple[int, http.client.HTTPMessage, bytes]:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                connection = http.client.HTTPConnection("127.0.0.1", relay.port, timeout=30)
                connection.request(self.command, self.path, body, dict(self.headers.items()))
                response = connection.getresponse()
                content = response.read()
                connection.close()
                return response.status, response.headers, content

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002
                pass

        return Handler
