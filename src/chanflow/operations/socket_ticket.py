"""A ticket for a socket, for clients that can send no header with one: a browser's."""

from __future__ import annotations

from chanflow.operations.fields import time_of_ns
from chanflow.operations.operation import Answer, Arguments, Asked, Digest, Hints, Operation
from chanflow.operations.outcome import Declined
from chanflow.operations.trading import EVERY_PLAN


class CreateSocketTicket(Arguments):
    """Nothing is asked: the ticket is the caller's own."""


class SocketTicket(Answer):
    """A ticket: it opens one socket, once, until it expires."""

    ticket: str
    expires_at: str


async def create_socket_ticket(asked: Asked[CreateSocketTicket]) -> SocketTicket:
    """Return a ticket for one socket of the caller. Raises Declined on a desk that asks for no key."""
    books = asked.services.access
    if books is None:
        raise Declined("not_found", "this desk asks for no key, so a socket needs no ticket")
    made = await books.tickets.issue(asked.principal)
    return SocketTicket(ticket=made.text, expires_at=time_of_ns(made.expires_ns))


CREATE_SOCKET_TICKET = Operation(
    name="create_socket_ticket",
    title="Ticket for a socket",
    doc_en="A ticket (连接票据) that opens one WebSocket within 30 seconds, as the query parameter ticket.",
    doc_zh="领取一次性连接票据，30 秒内用查询参数 ticket 打开一个 WebSocket。",
    scope="market:read",
    plans=EVERY_PLAN,
    charges={"api_call": 1},
    rate_class="write",
    input=CreateSocketTicket,
    output=SocketTicket,
    hints=Hints(read_only=False),
    timeout_s=10,
    path="/ws/ticket",
    handler=create_socket_ticket,
    digest=lambda done: Digest(f"a ticket until {done.expires_at}", (), ()),
    doors=frozenset({"rest"}),
)
