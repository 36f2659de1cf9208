#!/usr/bin/python3
"""Forwards a TCP port of this machine's loopback into a namespace: forward.py PORT NS TOPORT.

The listening socket is made here, then the process moves into the namespace, where its
outgoing connections begin. This is how a person reaches a lab box's SSH. Prints "ready"
once it listens.
"""
import asyncio
import socket
import sys

import network


async def _copy(reader, writer):
    try:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
        if writer.can_write_eof():
            writer.write_eof()
    except OSError:
        writer.close()


async def _serve(listener, port):
    async def client(reader, writer):
        try:
            up_reader, up_writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            writer.close()
            return
        await asyncio.gather(_copy(reader, up_writer), _copy(up_reader, writer))
        for w in (writer, up_writer):
            w.close()

    server = await asyncio.start_server(client, sock=listener)
    print("ready", flush=True)
    await server.serve_forever()


def main():
    port, ns, to_port = int(sys.argv[1]), sys.argv[2], int(sys.argv[3])
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", port))
    listener.listen(64)
    network.enter(ns)
    asyncio.run(_serve(listener, to_port))


if __name__ == "__main__":
    main()
