"""Sums of arrays over the replicas of a stage, by nothing but sockets.

RANK, WORLD_SIZE, MASTER_ADDR and MASTER_PORT say who this replica is and where rank 0 listens, as PyTorch has them. The sums are made by rank 0, in the order
of the ranks: floating-point sums in another order would differ in their last digits, and with them the model.
"""

import os
import socket
import struct
import time

import numpy

RANK = int(os.environ.get("RANK", "0"))
WORLD = int(os.environ.get("WORLD_SIZE", "1"))


class Group:
    """The connections of one replica. It is a context manager."""

    def __enter__(self):
        host, port = os.environ.get("MASTER_ADDR", "127.0.0.1"), int(os.environ.get("MASTER_PORT", "29500"))
        self.peers = [None] * WORLD
        if RANK == 0 and WORLD > 1:
            with socket.create_server(("", port)) as server:
                for _ in range(WORLD - 1):
                    peer, _ = server.accept()
                    self.peers[struct.unpack("!I", _read(peer, 4))[0]] = peer
        elif WORLD > 1:
            self.peers[0] = _connect(host, port)
            self.peers[0].sendall(struct.pack("!I", RANK))
        return self

    def __exit__(self, *_):
        for peer in filter(None, self.peers):
            peer.close()

    def allreduce(self, array):
        """The sum of the arrays of all ranks, the same for all of them."""
        array = numpy.ascontiguousarray(array, dtype="<f8")
        if RANK > 0:
            self.peers[0].sendall(array.tobytes())
            return _array(self.peers[0], array.shape)
        total = array.copy()
        for peer in self.peers[1:]:
            total += _array(peer, array.shape)
        for peer in self.peers[1:]:
            peer.sendall(total.tobytes())
        return total


def _connect(host, port):
    for _ in range(600):  # rank 0 may be about to listen
        try:
            return socket.create_connection((host, port))
        except OSError:
            time.sleep(0.1)
    raise SystemExit(f"rank {RANK} cannot reach rank 0 at {host}:{port}")


def _array(peer, shape):
    return numpy.frombuffer(_read(peer, 8 * int(numpy.prod(shape))), dtype="<f8").reshape(shape)


def _read(peer, size):
    parts = bytearray()
    while len(parts) < size:
        part = peer.recv(size - len(parts))
        if not part:
            raise SystemExit(f"rank {RANK} lost a connection: another rank has ended")
        parts += part
    return bytes(parts)
