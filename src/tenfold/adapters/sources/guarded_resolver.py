"""The guard as aiohttp asks for it: names are resolved by it alone, and connections go to what it gives."""

from __future__ import annotations

import asyncio
import socket
from functools import partial

from aiohttp.abc import AbstractResolver, ResolveResult

from tenfold.adapters.sources.net_guard import NetGuard
from tenfold.core.errors import TenfoldError


class GuardedResolver(AbstractResolver):
    """Resolves the names of a bucket's hosts."""

    def __init__(self, guard: NetGuard) -> None:
        self._guard = guard

    async def resolve(
        self,
        host: str,
        port: int = 0,
        family: socket.AddressFamily = socket.AF_UNSPEC,  # noqa: ARG002  the caller's
    ) -> list[ResolveResult]:
        """The checked addresses of both families; raises `OSError` with the guard's sentence."""
        try:
            look = partial(self._guard.addresses, host, port)
            found = await asyncio.get_running_loop().run_in_executor(None, look)
        except TenfoldError as error:
            raise OSError(error.message) from error
        return [self._result(host, port, address) for address in found]

    async def close(self) -> None:
        """Nothing is held."""

    @staticmethod
    def _result(host: str, port: int, address: str) -> ResolveResult:
        kind = socket.AF_INET6 if ":" in address else socket.AF_INET
        flags = socket.AI_NUMERICHOST | socket.AI_NUMERICSERV
        return {"hostname": host, "host": address, "port": port, "family": kind, "proto": 0, "flags": flags}
