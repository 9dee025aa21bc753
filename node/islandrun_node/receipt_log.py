"""Receipts on their way to the disk: taken at once, signed and written in groups, in a thread of their own.

A commit waits for the disk, and a thousand requests must not wait one after another for it: whatever came
while a group was written makes the next. A disk that takes nothing is tried again; meanwhile receipts wait,
the newest `WAITING_MAX` of them.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from typing import TypeVar

from islandrun.errors import StateError
from islandrun.routing.receipt import Receipt, sign_receipt
from islandrun.trust.ed25519 import Signer
from islandrun.v1 import chat_pb2
from islandrun.vocabulary import PublicKey
from islandrun_node.stores.receipts import ReceiptStore

GROUP_MAX = 256
WAITING_MAX = 4_096
RETRY_SECONDS = 1.0
CLOSE_SECONDS_MAX = 5.0

T = TypeVar("T")

_log = logging.getLogger(__name__)


class ReceiptLog:
    """Takes the receipts of one origin. Used from one event loop."""

    def __init__(self, store: ReceiptStore, origin: PublicKey, signer: Signer) -> None:
        self.store = store
        self._origin = origin
        self._signer = signer
        self._thread = ThreadPoolExecutor(1, "receipts")
        self._waiting: deque[Receipt] = deque()
        self._writing: asyncio.Task[None] | None = None
        self._taken = self._written = 0
        self._readers: list[tuple[int, asyncio.Future[None]]] = []
        self._fault = ""
        self._lost = 0
        self._is_closed = False
        self._told: Callable[[chat_pb2.SignedReceipt], None] = lambda signed: None

    def when_written(self, tell: Callable[[chat_pb2.SignedReceipt], None]) -> None:
        """Set who hears of each receipt once it is on the disk."""
        self._told = tell

    def take(self, receipt: Receipt) -> None:
        """Take a receipt; it is on the disk a few milliseconds later."""
        if self._is_closed:
            _log.error("receipt %s is lost: the node stops", receipt.id)
            return
        self._waiting.append(receipt)
        self._taken += 1
        if len(self._waiting) > WAITING_MAX:
            _log.error("receipt %s is lost: the disk takes nothing", self._waiting.popleft().id)
            self._lost += 1
            self._written += 1
        if self._writing is None or self._writing.done():
            self._writing = asyncio.get_running_loop().create_task(self._write_all())

    async def settled(self) -> None:
        """Wait until what was taken so far is on the disk, or the disk was found to take nothing."""
        if self._written < self._taken and not self._fault:
            done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._readers.append((self._taken, done))
            await done

    async def in_order(self, work: Callable[[], T]) -> T:
        """Run work on the store between two groups, off the event loop."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)

    def degraded(self) -> tuple[str, ...]:
        """Say what keeps receipts from the disk; empty when nothing does."""
        told = [f"receipts wait for the disk: {self._fault}"] if self._fault else []
        if self._lost:
            told.append(f"{self._lost} receipts were lost while the disk took nothing")
        return tuple(told)

    async def close(self) -> None:
        """Write what waits, once more and for a few seconds at most."""
        self._is_closed = True
        if self._writing is not None:
            await asyncio.wait({self._writing}, timeout=CLOSE_SECONDS_MAX)
            self._writing.cancel()
            with suppress(asyncio.CancelledError):
                await self._writing
        self._thread.shutdown(wait=False)

    async def _write_all(self) -> None:
        while self._waiting:
            group = [self._waiting.popleft() for _ in range(min(GROUP_MAX, len(self._waiting)))]
            try:
                written = await self.in_order(partial(self._write, group))
            except StateError as error:
                self._failed(group, str(error))
                await asyncio.sleep(RETRY_SECONDS)
                continue
            self._fault = ""
            self._written += len(group)
            self._release()
            for signed in written:
                self._told(signed)

    def _write(self, group: list[Receipt]) -> list[chat_pb2.SignedReceipt]:
        """Sign a group and write it. In the thread."""
        signed = [sign_receipt(receipt, self._origin, self._signer) for receipt in group]
        rows = zip(group, signed, strict=True)
        self.store.append((receipt.id, receipt.issued_at_ms, one) for receipt, one in rows)
        return signed

    def _failed(self, group: list[Receipt], why: str) -> None:
        if not self._fault:
            _log.error("receipts could not be kept and wait: %s", why)
        self._fault = why
        self._waiting.extendleft(reversed(group))
        self._release(is_all=True)

    def _release(self, is_all: bool = False) -> None:
        """Let go who waits for what is written now."""
        waiting, self._readers = self._readers, []
        for number, done in waiting:
            if is_all or number <= self._written:
                if not done.done():
                    done.set_result(None)
            else:
                self._readers.append((number, done))
