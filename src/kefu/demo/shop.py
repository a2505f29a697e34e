"""The systems of the demo's shop: orders, returns, invoices, appointments, complaints. An ASGI application.

What it does and promises agrees with the demo's help pages (`articles`); the marks in comments are their rules. What
customers change is forgotten after half an hour, so that the demo is as new for the next one.
"""

import hashlib
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

_KEPT = timedelta(minutes=30)
_MOST_KEPT = 2_000
_RETURN_DAYS, _LARGE_RETURN_FEE, _INVOICE_DAYS = 30, 80, 180
_FEES = {"delivery": 0, "assembly": 80, "mounting": 120, "recycling": 40}
_SLOTS = ("09:00", "11:00", "14:00", "16:00", "18:00")
_WAYS = ("courier", "drop_off", "own_parcel")

# Status words as the app shows them: five, and what has been cancelled.
STATUSES = {
    "awaiting_payment": "待付款",
    "preparing": "备货中",
    "shipped": "已发货",
    "delivered": "已送达",
    "completed": "已完成",
    "cancelled": "已取消",
}


@dataclass(frozen=True)
class Order:
    """An order; days are counted back from today, so that there is always a parcel on its way."""

    number: str
    status: str
    items: tuple[tuple[str, str, int, float], ...]
    placed: int
    carrier: str = ""
    tracking: str = ""
    delivered: int | None = None
    address: str = "杭州市西湖区文三路90号2幢301室"
    is_personalised: bool = False
    is_large: bool = False
    has_new_address: bool = False

    @property
    def goods(self) -> float:
        return round(sum(quantity * price for _, _, quantity, price in self.items), 2)

    @property
    def total(self) -> float:
        """Goods and delivery: ¥12, free from ¥99; large items ¥60, free from ¥1,500."""
        fee, free_from = (60.0, 1500.0) if self.is_large else (12.0, 99.0)
        return round(self.goods + (0.0 if self.goods >= free_from else fee), 2)


_LAMP = ("Paper lantern lamp", "纸灯笼台灯", 1, 189.0)
_SHEETS = ("Linen sheets", "亚麻床单", 1, 359.0)
_MUG = ("Stoneware mug", "粗陶马克杯", 2, 39.0)
_KETTLE = ("Electric kettle", "电热水壶", 1, 229.0)
_TABLE = ("Oak dining table", "橡木餐桌", 1, 2680.0)
_SWEATER = ("Wool sweater", "羊毛衫", 1, 269.0)
_SWIFTBIRD, _HARBOURLINK, _NORTHLINE = "Swiftbird Express", "Harbourlink", "Northline Logistics"
ORDERS = (
    Order("LL202611010001", "preparing", (_LAMP, _MUG), placed=0),
    Order("LL202611010002", "shipped", (_SHEETS,), placed=3, carrier=_SWIFTBIRD, tracking="SB202611180042"),
    Order("LL202611010003", "delivered", (_SWEATER,), placed=7, carrier=_SWIFTBIRD, tracking="SB202611140077",
          delivered=3),
    Order("LL202611010004", "completed", (_KETTLE,), placed=45, carrier=_SWIFTBIRD, tracking="SB202610070015",
          delivered=41),
    Order("LL202611010005", "awaiting_payment", (_MUG,), placed=0),
    Order("LL202611010006", "preparing", (_SHEETS, _LAMP), placed=6, address="18 Lotus Street, Springfield, IL 62704"),
    Order("LL202611010007", "preparing", (("Engraved cutting board", "刻字砧板", 1, 129.0),), placed=1,
          is_personalised=True),
    Order("LL202611010008", "delivered", (_TABLE,), placed=14, carrier=_NORTHLINE, tracking="NL2026110800",
          delivered=5, is_large=True),
    Order("LL202611010009", "shipped", (_SWEATER, _MUG), placed=4, carrier=_HARBOURLINK, tracking="HL202611170",
          address="香港九龙弥敦道100号8楼A室"),
)  # fmt: skip


class Refused(Exception):
    """The shop says no: an HTTP status, and why."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status, self.why = status, why


@dataclass
class Shop:
    """The shop's memory: its orders, what customers changed of late, and answers by idempotency key."""

    now: Callable[[], datetime] = datetime.now
    _changed: "OrderedDict[str, tuple[datetime, Order]]" = field(default_factory=OrderedDict)
    _answered: "OrderedDict[str, dict[str, Any]]" = field(default_factory=OrderedDict)

    def order(self, number: str) -> Order:
        """The order as it is now. Raises Refused."""
        number = number.strip().upper().replace(" ", "")
        changed = self._changed.get(number)
        if changed is not None and self.now() - changed[0] < _KEPT:
            return changed[1]
        found = next((order for order in ORDERS if order.number == number), None)
        if found is None:
            raise Refused(404, "There is no order with this number.")
        return found

    def shown(self, order: Order) -> dict[str, Any]:
        """An order as the shop's systems give it."""
        today = self._today()
        delivered = today - timedelta(days=order.delivered) if order.delivered is not None else None
        until = delivered + timedelta(days=_RETURN_DAYS) if delivered else None
        placed = today - timedelta(days=order.placed)
        return {
            "number": order.number,
            "status": order.status,
            "status_zh": STATUSES[order.status],
            "placed_on": placed.isoformat(),
            "items": [
                {"name": name, "name_zh": name_zh, "quantity": quantity, "price": price}
                for name, name_zh, quantity, price in order.items
            ],
            "total": order.total,
            "carrier": order.carrier or None,
            "tracking_number": order.tracking or None,
            "expected_on": (placed + timedelta(days=6)).isoformat() if order.status == "shipped" else None,
            "delivered_on": delivered.isoformat() if delivered else None,
            "address": order.address,
            "can_cancel": order.status in {"awaiting_payment", "preparing"} and not order.is_personalised,
            "can_change_address": _may_move(order),
            "can_return": until is not None and today <= until and not order.is_personalised,
            "return_until": until.isoformat() if until else None,
            "is_late": order.status == "preparing" and order.placed > 4,  # O20: over three working days
            "invoice_state": "ready" if order.status == "completed" else "later",
        }

    def cancel(self, number: str, reason: str = "") -> dict[str, Any]:
        """O9: until the parcel leaves the warehouse; O14: never what was made for one customer."""
        order = self.order(number)
        if order.status == "cancelled":
            raise Refused(409, "This order is cancelled already.")
        if not self.shown(order)["can_cancel"]:
            raise Refused(409, "This order has left the warehouse or was made to measure and cannot be cancelled.")
        self._keep(replace(order, status="cancelled"))
        paid = 0.0 if order.status == "awaiting_payment" else order.total
        return {"state": "cancelled", "refund": paid, "refund_starts_within_hours": 2}

    def create_return(self, number: str, way: str, reason: str = "") -> dict[str, Any]:
        """R1: 30 days from delivery; R8: to be sent within 7 days; R18: large items ¥80."""
        order = self.order(number)
        if way not in _WAYS:
            raise Refused(422, f"Ways to return are {', '.join(_WAYS)}.")
        if not self.shown(order)["can_return"]:
            raise Refused(409, "This order cannot be returned: it is not delivered, or its 30 days are over.")
        fee = _LARGE_RETURN_FEE if order.is_large else 0
        return {
            "return_number": f"RT{_digits(number, reason, way, length=10)}",
            "label_fee": fee,
            "send_by": (self._today() + timedelta(days=7)).isoformat(),
            "state": "approved",
            "refund": order.goods,
        }

    def request_invoice(self, number: str, kind: str, title: str, email: str, tax_number: str = "") -> dict[str, Any]:
        """I6: within 180 days of completion; I9: a company gives its 18-digit taxpayer number."""
        order = self.order(number)
        if kind not in {"personal", "company"}:
            raise Refused(422, "An invoice is personal or company.")
        if kind == "company" and len(tax_number.replace(" ", "")) != 18:
            raise Refused(422, "A company's taxpayer number has 18 digits.")
        if order.status != "completed":
            raise Refused(409, "An invoice is issued once the order is completed, 10 days after delivery.")
        return {
            "invoice_number": f"INV{_digits(number, kind, title, length=10)}",
            "amount": order.total,
            "ready_on": (self._today() + timedelta(days=1)).isoformat(),
            "kind": kind,
        }

    def change_address(self, number: str, address: str) -> dict[str, Any]:
        """O10: once, before dispatch."""
        order = self.order(number)
        if not _may_move(order):
            raise Refused(409, "The address can be changed once, and only before the parcel is dispatched.")
        if len(address.strip()) < 6:
            raise Refused(422, "This is not a whole address.")
        self._keep(replace(order, address=address.strip(), has_new_address=True))
        return {"address": address.strip(), "changed": True}

    def free_slots(self, service: str, day: str) -> dict[str, Any]:
        """Slots on a day from the day after tomorrow (D38), Sundays excepted; some are taken."""
        if service not in _FEES:
            raise Refused(422, f"Services are {', '.join(_FEES)}.")
        wanted = _day(day)
        ahead = (wanted - self._today()).days
        if ahead < 2 or ahead > 30:
            raise Refused(409, "Appointments are possible from the day after tomorrow until 30 days ahead.")
        taken = int(_digits(service, wanted.isoformat(), length=2)) % len(_SLOTS)
        free = [] if wanted.weekday() == 6 else [slot for place, slot in enumerate(_SLOTS) if place != taken]
        return {"day": wanted.isoformat(), "slots": free, "fee": _FEES[service]}

    def book(self, service: str, day: str, time: str, order_number: str = "") -> dict[str, Any]:
        if order_number:
            self.order(order_number)
        slots = self.free_slots(service, day)
        if time not in slots["slots"]:
            raise Refused(409, "This time is taken.")
        return {
            "appointment_number": f"AP{_digits(service, day, time, order_number, length=8)}",
            "day": slots["day"],
            "time": time,
            "fee": slots["fee"],
        }

    def complain(self, about: str, text: str, order_number: str = "") -> dict[str, Any]:
        """C4: acknowledged within 24 hours, decided within 7 days."""
        if order_number:
            self.order(order_number)
        return {
            "complaint_number": f"C{_digits(order_number, about, text, length=9)}",
            "decision_by": (self._today() + timedelta(days=7)).isoformat(),
        }

    def once(self, key: str, act: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        """The answer to a request with this idempotency key: the second time that of the first."""
        if key and key in self._answered:
            return self._answered[key]
        answer = act()
        if key:
            self._answered[key] = answer
            while len(self._answered) > _MOST_KEPT:
                self._answered.popitem(last=False)
        return answer

    def _keep(self, order: Order) -> None:
        self._changed[order.number] = (self.now(), order)

    def _today(self) -> date:
        return self.now().date()


def shop_app(now: Callable[[], datetime] = datetime.now) -> Starlette:
    """A shop of its own, with nothing changed yet."""
    shop = Shop(now)

    async def order(request: Request) -> Response:
        return _answer(lambda: shop.shown(shop.order(request.path_params["number"])))

    async def slots(request: Request) -> Response:
        query = request.query_params
        return _answer(lambda: shop.free_slots(query.get("service", ""), query.get("day", "")))

    def writes(act: Callable[..., dict[str, Any]]) -> Callable[[Request], Awaitable[Response]]:
        async def write(request: Request) -> Response:
            body = await request.json()
            given = {name: str(value) for name, value in body.items() if value is not None}
            named = {**request.path_params, **given}
            key = request.headers.get("idempotency-key", "")
            known = f"{request.url.path} {key}" if key else ""
            return _answer(lambda: shop.once(known, lambda: act(**named)))

        return write

    return Starlette(
        routes=[
            Route("/orders/{number}", order),
            Route("/orders/{number}/cancel", writes(shop.cancel), methods=["POST"]),
            Route("/orders/{number}/returns", writes(shop.create_return), methods=["POST"]),
            Route("/orders/{number}/invoices", writes(shop.request_invoice), methods=["POST"]),
            Route("/orders/{number}/address", writes(shop.change_address), methods=["PUT"]),
            Route("/slots", slots),
            Route("/appointments", writes(shop.book), methods=["POST"]),
            Route("/complaints", writes(shop.complain), methods=["POST"]),
        ]
    )


def _answer(act: Callable[[], dict[str, Any]]) -> Response:
    try:
        return JSONResponse(act())
    except Refused as refused:
        status, why = refused.status, refused.why
    except (TypeError, ValueError):
        status, why = 422, "The request lacks something, or has something that is not understood."
    body = {"title": why, "detail": why, "status": status}
    return JSONResponse(body, status_code=status, media_type="application/problem+json")


def _may_move(order: Order) -> bool:
    return order.status == "preparing" and not order.has_new_address and not order.is_personalised


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise Refused(422, "A day is written like 2026-12-01.") from None


def _digits(*parts: str, length: int) -> str:
    """A number that looks made up and is the same for the same things."""
    whole = int(hashlib.sha256("\n".join(parts).encode()).hexdigest(), 16)
    return str(whole)[:length]
