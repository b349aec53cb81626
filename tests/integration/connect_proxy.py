"""A proxy that opens tunnels and remembers what it saw.

    with ConnectProxy() as proxy:
        ... a gateway with `proxy: "http://<proxy.address>"` ...
        proxy.targets      ["localhost:4433"]
        proxy.heads        what else was sent to the proxy itself
        proxy.passed       every byte that went through, both ways
"""

import socket
import socketserver
import threading


class ConnectProxy:

    def __init__(self, answer=b"HTTP/1.1 200 Connection established\r\n\r\n"):
        self.targets = []
        self.heads = []
        self.passed = b""
        self._answer = answer
        proxy = self

        class Handler(socketserver.BaseRequestHandler):

            def handle(self):
                proxy.serve(self.request)

        self._server = socketserver.ThreadingTCPServer(
            ("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.address = "127.0.0.1:%d" % self._server.server_address[1]
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def serve(self, client):
        """Reads one CONNECT and obeys, unless told to refuse."""
        head = b""
        while b"\r\n\r\n" not in head:
            more = client.recv(4096)
            if not more:
                return
            head += more
        self.heads.append(head)
        target = head.split(b" ")[1].decode()
        self.targets.append(target)
        if not self._answer.startswith(b"HTTP/1.1 200"):
            client.sendall(self._answer)
            return
        host, _, port = target.rpartition(":")
        with socket.create_connection((host, int(port))) as upstream:
            client.sendall(self._answer)
            back = threading.Thread(
                target=self._pass_on, args=(upstream, client), daemon=True)
            back.start()
            self._pass_on(client, upstream)
            back.join()

    def _pass_on(self, source, sink):
        try:
            while data := source.recv(65536):
                self.passed += data
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # Either side may leave at any time.
