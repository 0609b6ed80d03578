"""A loopback proxy that serves an address under a path prefix and removes the prefix from requests."""

import http.client
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import urlsplit


@contextmanager
def behind_a_prefix(address: str, prefix: str) -> Iterator[str]:
    """Serve `address` under `prefix` until the block ends. Other paths are answered 404."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            inside = self.path.removeprefix(prefix)
            if inside == self.path or not (inside == "" or inside[0] in "/?"):
                self.send_error(404)
                return
            connection = http.client.HTTPConnection(urlsplit(address).netloc, timeout=60)
            path = inside if inside.startswith("/") else f"/{inside}"
            connection.request("GET", path, headers={name: self.headers[name] for name in self.headers if name != "Host"})
            answer = connection.getresponse()
            body = answer.read()
            self.send_response(answer.status)
            for name, value in answer.getheaders():
                if name not in ("Connection", "Date", "Server", "Transfer-Encoding"):
                    self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)
            connection.close()

        def log_message(self, *_: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True

    with Server(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}{prefix}"
        finally:
            server.shutdown()
