"""Upstreams that misbehave, for hostile_peers.py, which runs each in a process
of its own and counts its turns."""

import os
import socket
import sys
import threading


def tell_turn():
    """Tells whoever started the process of another turn."""
    os.write(sys.stdout.fileno(), b".")


def _serve(address, first, more):
    """An upstream that answers everybody with `first` and endless `more`."""
    host, _, port = address.rpartition(":")
    def answer(connection):
        with connection:
            try:
                connection.recv(65536)
                connection.sendall(first)
                while True:
                    connection.sendall(more)
                    tell_turn()
            except OSError:
                tell_turn()
    with socket.create_server((host, int(port))) as listener:
        tell_turn()
        while True:
            connection, _ = listener.accept()
            threading.Thread(target=answer, args=(connection,),
                             daemon=True).start()


def endless_interim_answers(address):
    """100 Continue, for ever."""
    _serve(address, b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 3000)


def endless_answer_head(address):
    """A status and fields without end."""
    _serve(address, b"HTTP/1.1 200 OK\r\n", b"x-more: of the same\r\n" * 3000)


def endless_answer_extension(address):
    """An answer's chunk whose extension does not end."""
    _serve(address, b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n"
           b"transfer-encoding: chunked\r\n\r\n1;", b"x" * 65536)


def endless_answer(address):
    """A whole answer, of more than anybody would hold."""
    _serve(address, b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n"
           b"\r\n{\"choices\":\"", b"x" * 65536)


def endless_event(address):
    """A stream whose first event does not end."""
    _serve(address, b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n"
           b"\r\ndata: ", b"x" * 65536)


UPSTREAMS = (endless_interim_answers, endless_answer_head,
             endless_answer_extension, endless_answer, endless_event)
