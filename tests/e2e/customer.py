"""A customer over the public API, for tests that look through a member's browser."""

import threading
import time
from typing import Any
from uuid import uuid4

import httpx

from .world import Shop

_ANSWER_SECONDS = 60  # as long as the API lets a caller wait


class Customer:
    """Somebody with one conversation on the shop's channel."""

    def __init__(self, shop: Shop, **profile: str) -> None:
        self._client = httpx.Client(base_url=f"{shop.server.address}/v1", timeout=_ANSWER_SECONDS + 10)
        visit = self._client.post(f"/channels/{shop.channel}/visitors", json={"attributes": profile})
        self._client.headers["Authorization"] = f"Bearer {visit.raise_for_status().json()['token']}"
        self.conversation = str(self._post("/conversations", {})["id"])

    def say(self, text: str, *, answered: bool = True) -> str:
        """The assistant's answer, where one is awaited."""
        wait = f"?wait={_ANSWER_SECONDS}" if answered else ""
        reply = self._post(f"/conversations/{self.conversation}/messages{wait}", {"text": text})["reply"]
        return str(reply["answer"]) if reply else ""

    def ask_for_a_person(self) -> None:
        self._post(f"/conversations/{self.conversation}/hand-over", {})

    def heard(self) -> list[str]:
        """Every text that the customer sees."""
        answer = self._client.get(f"/conversations/{self.conversation}/messages").raise_for_status()
        return [message["text"] for message in answer.json()["messages"]]

    def status(self) -> str:
        return str(self._client.get(f"/conversations/{self.conversation}").raise_for_status().json()["status"])

    def is_refused(self, text: str) -> bool:
        """Whether a message is not taken, since the company has blocked the customer."""
        answer = self._client.post(f"/conversations/{self.conversation}/messages", json={"text": text})
        return answer.status_code == httpx.codes.FORBIDDEN and answer.json()["code"] == "contact_blocked"

    def rate(self, score: int, comment: str = "") -> None:
        """Answers the survey at the end, once it has come."""
        until = time.monotonic() + _ANSWER_SECONDS
        while time.monotonic() < until:
            asked = self._client.get(f"/conversations/{self.conversation}/survey").raise_for_status().json()
            if asked["state"] == "asked":
                break
            threading.Event().wait(0.1)
        body = {"score": score, "comment": comment}
        self._client.put(f"/conversations/{self.conversation}/rating", json=body).raise_for_status()

    def close(self) -> None:
        self._client.close()

    def _post(self, path: str, body: dict[str, str]) -> Any:
        answer = self._client.post(path, json=body, headers={"Idempotency-Key": uuid4().hex})
        return answer.raise_for_status().json()
