"""How a node keeps its relay: one child process, started anew when it dies, gone when the node goes."""

from __future__ import annotations

import asyncio
import json
import logging
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress

from islandrun.errors import ConfigError
from islandrun_node.config_tables import Relay
from islandrun_node.home import Home

START_SECONDS_MAX = 30.0
RESTART_SECONDS = 1.0
STOP_SECONDS_MAX = 5.0
COMMAND = (sys.executable, "-P", "-m", "islandrun_node.relay")
"""What runs a relay; without the working folder on its path."""

_log = logging.getLogger(__name__)


class RelayProcess:
    """The relay of this node. `address` is "host:port" as bound, empty while it is not up."""

    def __init__(self, home: Home, settings: Relay, command: tuple[str, ...] = COMMAND) -> None:
        self._home = home
        self._listen = settings.listen
        self._command = command
        self._rate = settings.megabytes_per_second * 1_000_000
        self._process: asyncio.subprocess.Process | None = None
        self.address = ""

    @property
    def port(self) -> int:
        """The port of the relay's listener; 0 while it is not up."""
        return int(self.address.rpartition(":")[2]) if self.address else 0

    async def start(self) -> None:
        """Start the process and wait until it listens. Raises `ConfigError`."""
        process = await asyncio.create_subprocess_exec(
            *self._command,
            *("--home", str(self._home.path), "--listen", self._listen),
            *("--bytes-per-second", str(self._rate)),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        self._process = process
        assert process.stdout is not None
        try:
            async with asyncio.timeout(START_SECONDS_MAX):
                self.address = str(json.loads(await process.stdout.readline())["relay"])
        except (TimeoutError, ValueError, KeyError):
            await self.stop()
            raise ConfigError(
                f"the relay did not start at {self._listen}; its log above says why: set relay.listen in "
                "config.toml to a free address, or relay.serve to false"
            ) from None
        host, _, port = self.address.rpartition(":")
        self._listen = f"{host}:{port}"

    async def run(self) -> None:
        """Start the process again whenever it ends, until cancelled."""
        while True:
            if self._process is not None:
                code = await self._process.wait()
                _log.error("the relay ended with %s and is started again", code)
            self.address, self._process = "", None
            await asyncio.sleep(RESTART_SECONDS)
            with suppress(ConfigError):
                await self.start()

    async def stop(self) -> None:
        """End the process, gently first."""
        process, self._process, self.address = self._process, None, ""
        if process is None:
            return
        if process.stdin is not None:
            process.stdin.close()
        try:
            async with asyncio.timeout(STOP_SECONDS_MAX):
                await process.wait()
        except TimeoutError:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()


@asynccontextmanager
async def relaying(home: Home, settings: Relay) -> AsyncGenerator[RelayProcess | None]:
    """Keep a relay up while the block runs, when the settings say so. Raises `ConfigError`."""
    if not settings.serve:
        yield None
        return
    relay = RelayProcess(home, settings, COMMAND)
    await relay.start()
    keeping = asyncio.create_task(relay.run())
    try:
        yield relay
    finally:
        keeping.cancel()
        await asyncio.gather(keeping, return_exceptions=True)
        await relay.stop()
