"""Servers that answer each datagram with their name and what it said, and flows that ask them."""
import contextlib
import socket
import threading


def _serve(sock, name, stop):
    while not stop.is_set():
        try:
            data, peer = sock.recvfrom(2048)
        except socket.timeout:
            continue
        sock.sendto(name.encode() + b" " + data, peer)


def _socket(host, address):
    with host.entered():
        sock = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM)
    return sock


@contextlib.contextmanager
def serving(hosts, address, port):
    """A server in each of the hosts (name: host)."""
    servers, stop = [], threading.Event()
    try:
        for name, host in hosts.items():
            sock = _socket(host, address)
            sock.bind((address, port))
            sock.settimeout(0.1)
            thread = threading.Thread(target=_serve, args=(sock, name, stop))
            thread.start()
            servers.append((sock, thread))
        yield
    finally:
        stop.set()
        for sock, thread in servers:
            thread.join()
            sock.close()


class Flow:
    """A client's socket: one flow for as long as it is open."""

    def __init__(self, host, address, port):
        self.sock = _socket(host, address)
        self.sock.settimeout(2)
        self.sock.connect((address, port))
        self.port = self.sock.getsockname()[1]

    def ask(self, word=b"hello"):
        """The name of the server that answers."""
        self.sock.send(word)
        name, echoed = self.sock.recv(2048).split()
        assert echoed == word
        return name.decode()

    def close(self):
        self.sock.close()
