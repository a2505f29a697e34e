import { describe, expect, it } from "vitest";
import { dateText, hoursBody, hoursEdited, nextWindow } from "../src/routing/hours";

const week = (end: string) => ({ time_zone: "Asia/Shanghai", weekly: { mon: [["09:00", end]] }, holidays: [] });

describe("business hours as they are edited", () => {
  it("shows midnight as a browser's clock has it and keeps it as the end of the day", () => {
    const edited = hoursEdited(week("24:00") as never);
    expect(edited.weekly).toEqual({ mon: [["09:00", "00:00"]] });
    expect(hoursBody(edited).weekly).toEqual({ mon: [["09:00", "24:00"]] });
    expect(hoursBody({ ...edited, weekly: null }).weekly).toBeNull();
  });

  it("begins one more line after the last one", () => {
    expect(nextWindow([])).toEqual(["09:00", "18:00"]);
    expect(nextWindow([["09:00", "12:00"]])).toEqual(["13:00", "17:00"]);
    expect(nextWindow([["09:00", "23:30"]])).toEqual(["22:00", "23:00"]);
  });

  it("takes dates as people write them and nothing else", () => {
    expect(["2026-10-01", "2026/1/2", "2026-02-30", "tomorrow"].map(dateText)).toEqual([
      "2026-10-01",
      "2026-01-02",
      "",
      "",
    ]);
  });
});
