import { describe, expect, it } from "vitest";
import { BrowserStore, openStore } from "../src";

describe("BrowserStore", () => {
  it("keeps channels apart", () => {
    localStorage.clear();
    const [one, two] = [new BrowserStore("one"), new BrowserStore("two")];
    one.set("token", "1");
    two.set("token", "2");
    one.clear();
    expect([one.get("token"), two.get("token")]).toEqual([null, "2"]);
  });

  it("works for the visit where the browser forbids storage", () => {
    const forbidden = new BrowserStore("one");
    const storage = Object.getOwnPropertyDescriptor(globalThis, "localStorage");
    Object.defineProperty(globalThis, "localStorage", {
      configurable: true,
      get: () => {
        throw new DOMException("denied", "SecurityError");
      },
    });
    try {
      forbidden.set("out:1", "x");
      expect(forbidden.get("out:1")).toBe("x");
      expect(forbidden.names("out:")).toEqual(["out:1"]);
      const handedOut: unknown[] = [];
      forbidden.onForbidden = (values) => handedOut.push(values);
      forbidden.set("token", "t");
      forbidden.set("out:2", "what they wrote");
      expect(handedOut).toEqual([{ token: "t" }]);
      const later = new BrowserStore("one");
      later.adopt({ token: "t" });
      expect(later.get("token")).toBe("t");
      forbidden.clear();
      expect(handedOut.at(-1)).toEqual({});
      expect(forbidden.get("out:1")).toBeNull();
    } finally {
      if (storage) Object.defineProperty(globalThis, "localStorage", storage);
    }
  });
});

describe("openStore", () => {
  /** As AsyncStorage: everything takes a moment. */
  function slow(kept: Record<string, string>) {
    const values = new Map(Object.entries(kept));
    return {
      values,
      getAllKeys: async () => [...values.keys()],
      getItem: async (key: string) => values.get(key) ?? null,
      setItem: async (key: string, value: string) => values.set(key, value),
      removeItem: async (key: string) => values.delete(key),
    };
  }

  it("knows what an earlier visit kept of this channel, and nothing of others", async () => {
    const store = await openStore(slow({ "kefu:one:token": "t", "kefu:two:token": "u", theme: "dark" }), "one");
    expect([store.get("token"), store.names("")]).toEqual(["t", ["token"]]);
  });

  it("writes each change behind, in order", async () => {
    const storage = slow({});
    const store = await openStore(storage, "one");
    store.set("out:1", "x");
    store.set("token", "t");
    store.remove("out:1");
    expect(store.names("out:")).toEqual([]);
    await new Promise((settled) => setTimeout(settled));
    expect(Object.fromEntries(storage.values)).toEqual({ "kefu:one:token": "t" });
  });

  it("goes on for the visit where the storage fails", async () => {
    const broken = { ...slow({}), setItem: () => Promise.reject(new Error("disk full")) };
    const store = await openStore(broken, "one");
    store.set("token", "t");
    expect(store.get("token")).toBe("t");
  });
});
