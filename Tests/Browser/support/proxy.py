"""A TCP proxy that records requests and rejected connections, and can drop connections, responses or the whole link."""

import re
import socket
import threading

REQUEST = re.compile(rb"(?:GET|POST|PUT|HEAD|DELETE|OPTIONS) (\S+) HTTP/1\.1\r\n")


class Proxy:
    """Listens on its own port. Its mode determines what happens to a connection:

    - `open_`: forwards everything.
    - `refuse`: closes new and existing connections.
    - `lose_answers`: forwards requests, and closes the connection when the response arrives.
    - `part`: keeps and accepts connections, but forwards nothing until `mend`, like a network partition.

    `cut` closes the existing connections; `half_open` forwards nothing more on them, without closing them.
    """

    def __init__(self, port):
        self.upstream = ("127.0.0.1", port)
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = self.listener.getsockname()[1]
        self.requests = []
        self.lost_answers = 0
        self.refused = 0
        self._mode = "open"
        self._sockets = set()
        self._dead = set()
        self._flow = threading.Event()
        self._flow.set()
        self._lock = threading.Lock()
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def refuse(self):
        self._mode = "refuse"
        self._flow.set()
        self.cut()

    def cut(self):
        with self._lock:
            connections = list(self._sockets)
        for connection in connections:
            _close(connection)

    def half_open(self):
        with self._lock:
            self._dead |= self._sockets

    def part(self):
        self._flow.clear()

    def lose_answers(self):
        self._mode = "lose"

    def mend(self):
        self._mode = "open"
        self._flow.set()

    def close(self):
        self.refuse()
        _close(self.listener)

    def _accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            if self._mode == "refuse":
                self.refused += 1
                _close(client)
            else:
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client):
        try:
            server = socket.create_connection(self.upstream, timeout=5)
        except OSError:
            self.refused += 1
            return _close(client)
        server.settimeout(None)
        with self._lock:
            self._sockets |= {client, server}
        there = threading.Thread(target=self._pump, args=(client, server, self._note), daemon=True)
        there.start()
        self._pump(server, client, self._answer)
        _close(client)
        _close(server)
        there.join()
        with self._lock:
            self._sockets -= {client, server}
            self._dead -= {client, server}

    def _pump(self, source, target, look):
        try:
            while data := source.recv(65536):
                self._flow.wait()
                if source in self._dead:
                    continue
                if not look(data):
                    break
                target.sendall(data)
        except OSError:
            pass
        _shut(target)

    def _note(self, data):
        self.requests += [match.group(1).decode() for match in REQUEST.finditer(data)]
        return True

    def _answer(self, data):
        if self._mode == "lose":
            self.lost_answers += 1
            return False
        return True


def _shut(connection):
    try:
        connection.shutdown(socket.SHUT_WR)
    except OSError:
        pass


def _close(connection):
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass
    connection.close()
