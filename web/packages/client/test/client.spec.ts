import { describe, expect, it } from "vitest";
import { ApiError, NetworkError, createClient, isRetryable, newKey } from "../src";

function answering(response: () => Response | Promise<Response>) {
  const requests: { url: string; init: RequestInit }[] = [];
  const fetcher: typeof fetch = async (url, init) => {
    requests.push({ url: String(url), init: init ?? {} });
    return response();
  };
  return { requests, client: createClient({ base: "https://kefu.example", token: () => "visitor", fetch: fetcher }) };
}

const problem = (status: number, body: object, headers: Record<string, string> = {}): Response =>
  new Response(JSON.stringify(body), { status, headers: { "Content-Type": "application/problem+json", ...headers } });

describe("client", () => {
  it("sends the token and the key of a message, and no cookies", async () => {
    const { client, requests } = answering(() =>
      Response.json({ message: { id: "m1" }, reply: null }, { status: 201 }),
    );
    await client.sendMessage("c/1", { text: "hello" }, "key-1");
    expect(requests[0]?.url).toBe("https://kefu.example/v1/conversations/c%2F1/messages");
    expect(requests[0]?.init).toMatchObject({
      method: "POST",
      credentials: "omit",
      body: '{"text":"hello"}',
      headers: { Authorization: "Bearer visitor", "Idempotency-Key": "key-1", "Content-Type": "application/json" },
    });
  });

  it("turns a problem document into an error with its code, words and fields", async () => {
    const { client } = answering(() =>
      problem(
        429,
        { title: "Too Many Requests", detail: "Slow down.", code: "busy", what: "messages" },
        { "Retry-After": "7" },
      ),
    );
    const error = await client.conversation("c1").catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(ApiError);
    expect(error).toMatchObject({
      status: 429,
      code: "busy",
      message: "Slow down.",
      retryAfter: 7,
      fields: { what: "messages" },
    });
  });

  it("makes an error of a proxy's page too", async () => {
    const { client } = answering(() => new Response("<html>Bad gateway</html>", { status: 502 }));
    await expect(client.conversation("c1")).rejects.toMatchObject({ status: 502, code: "http_502", retryAfter: null });
  });

  it("tells an unreachable server from one that refuses", async () => {
    const { client } = answering(() => Promise.reject(new TypeError("Failed to fetch")));
    await expect(client.conversation("c1")).rejects.toBeInstanceOf(NetworkError);
  });

  it("takes an answer without a body", async () => {
    const { client } = answering(() => new Response(null, { status: 204 }));
    await expect(client.feedback("c1", "m1", "up")).resolves.toBeNull();
  });

  it("takes half an answer for none", async () => {
    const { client } = answering(() => new Response('{"mess', { status: 200 }));
    await expect(client.messages("c1", 0, 50)).rejects.toBeInstanceOf(NetworkError);
  });
});

describe("isRetryable", () => {
  it.each([
    [new NetworkError("cut"), true],
    [new ApiError(503, "unavailable", ""), true],
    [new ApiError(429, "busy", ""), true],
    [new ApiError(422, "bad_input", ""), false],
    [new ApiError(401, "not_signed_in", ""), false],
    [new TypeError("a bug of ours"), false],
  ])("%s: %s", (error, expected) => {
    expect(isRetryable(error)).toBe(expected);
  });
});

it("newKey gives 128 bits, never the same twice", () => {
  const keys = Array.from({ length: 100 }, newKey);
  expect(new Set(keys).size).toBe(100);
  expect(keys[0]).toMatch(/^[0-9a-f]{32}$/);
});
