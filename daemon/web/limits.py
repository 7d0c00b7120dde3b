"""Limits: what a connection to the pages may take of room and time, so that no stranger keeps them from others."""

import asyncio
import re
import time
from collections import Counter, OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import Message, Receive
from uvicorn.protocols.http.h11_impl import H11Protocol

from daemon.log import get

log = get(__name__)

LARGEST_HEADERS = 16 << 10
LARGEST_FORM = 64 << 10
_MOST = 256
_MOST_OF_ONE_ADDRESS = 128
"""Half of all, for a proxy that stands before us is one address."""
_TICK_SECONDS = 10.0
_SLOWEST = 1024
"""Bytes a second that a body must come with, or be taken with."""
_UNWANTED = 1 << 20
_WRONG_A_MINUTE = 20
_REMEMBERED = 10_000


class BoundedConnection(H11Protocol):
    """A connection that is cut when there are too many, or when the other side lets us wait: for its request's head, for more of
    its body, or to take what it asked for.
    """

    _received = 0
    _unsent = 0
    _unwanted = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take it, or cut it at once."""
        super().connection_made(transport)
        by_address = Counter(each.client and each.client[0] for each in self.connections if isinstance(each, H11Protocol))
        if len(self.connections) > _MOST or by_address[self.client and self.client[0]] > _MOST_OF_ONE_ADDRESS:
            self._cut("too many")
            return
        self._clock = self.loop.call_later(_TICK_SECONDS, self._judge)

    def data_received(self, data: bytes) -> None:
        """Take what came; of a body that was answered before its end, no more than lets the answer through."""
        self._received += len(data)
        if self.cycle is not None and self.cycle.response_complete and self.cycle.more_body:
            self._unwanted += len(data)
            if self._unwanted > _UNWANTED:
                self._cut("its body goes on after the answer")
                return
        super().data_received(data)

    def _judge(self) -> None:
        """Every few seconds: has the other side done its part?"""
        if self.transport.is_closing():
            return
        unsent, received = self.transport.get_write_buffer_size(), self._received
        answering = self.cycle is not None and not self.cycle.response_complete
        if not answering and not unsent:
            self._cut("no request")  # nor has one begun that is finished by now: an idle one is ended sooner
        elif answering and self.cycle.more_body and received < _SLOWEST * _TICK_SECONDS and not self.cycle.body:
            self._cut("its body does not come")
        elif unsent and self._unsent - unsent < _SLOWEST * _TICK_SECONDS and self._unsent:
            self._cut("it does not take its answer")
        else:
            self._received, self._unsent = 0, unsent
            self._clock = self.loop.call_later(_TICK_SECONDS, self._judge)

    def _cut(self, why: str) -> None:
        self.transport.abort()
        _cuts.tell(why, self.client[0] if self.client else "")


class _Cuts:
    """Logs that connections were cut: a line every few seconds, however many they are."""

    def __init__(self) -> None:
        self._count, self._told = 0, 0.0

    def tell(self, why: str, address: str) -> None:
        self._count += 1
        if time.monotonic() - self._told > _TICK_SECONDS:
            log.info("connections_cut", count=self._count, last=why, address=address)
            self._count, self._told = 0, time.monotonic()


_cuts = _Cuts()


def limited(receive: Receive, most: int, told: str) -> Callable[[], Awaitable[Message]]:
    """The same body, refused with what is `told` once it has more than `most` bytes."""
    seen = 0

    async def counted() -> Message:
        nonlocal seen
        message = await receive()
        seen += len(message.get("body", b""))
        if seen > most:
            raise HTTPException(413, told)
        return message

    return counted


@asynccontextmanager
async def bounded_form(
    request: Request, largest: int, told: str = "this is too large", *, files: int = 0, fields: int = 8
) -> AsyncIterator[FormData]:
    """A form of at most so many bytes, files and fields, whose texts are texts. Raises HTTPException 400, or 413 as `told`."""
    bounded = Request(request.scope, limited(request.receive, largest, told))
    try:
        async with bounded.form(max_files=files, max_fields=fields) as form:
            for name, value in form.multi_items():
                if isinstance(value, str) and not is_text(name + value):
                    raise HTTPException(400, "a field holds what is no text")
            yield form
    except UnicodeError as error:
        raise HTTPException(400, "the form is not in a known encoding") from error


def is_text(text: str) -> bool:
    """Whether it has no NUL, which Postgres has no place for, and no half of a character."""
    return "\0" not in text and not re.search("[\ud800-\udfff]", text)


class Strangers:
    """Who asked for what they may not have, counted by address over a minute."""

    def __init__(self) -> None:
        self._refused: OrderedDict[str, tuple[float, int]] = OrderedDict()

    async def keep_waiting(self, scope: Any) -> bool:
        """Count one more refusal to who sends a request; with too many of them, let them wait, and say that it was too many."""
        address = scope["client"][0] if scope.get("client") else ""
        since, count = self._refused.pop(address, (0.0, 0))
        now = time.monotonic()
        since, count = (now, 1) if now - since > 60 else (since, count + 1)
        self._refused[address] = since, count
        while len(self._refused) > _REMEMBERED:
            self._refused.popitem(last=False)
        if count <= _WRONG_A_MINUTE:
            return False
        if count % _WRONG_A_MINUTE == 1:
            log.warning("refused_often", address=address, refusals=count)
        await asyncio.sleep(2)
        return True
