import { expect, it } from "vitest";
import { figure, words } from "../src/models/figures";

it("shows what a check counts as numbers, and shares as percent", () => {
  expect([figure("leaks", 0), figure("suspects", 1), figure("duplicates", 1200)]).toEqual(["0", "1", "1,200"]);
  expect([figure("accuracy", 0.671), figure("seconds", 30.7)]).toEqual(["67.1%", "30.7 s"]);
});

it("names a figure in words, also one that it has none for", () => {
  expect([words("near_contradictions"), words("valid_span_f1")]).toEqual(["Near contradictions", "Valid span f1"]);
});
