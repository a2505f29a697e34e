import { expect, it } from "vitest";
import { figure, words } from "../src/models/figures";

it("shows what a check counts as numbers, and shares as percent", () => {
  expect([figure("leaks", 0), figure("suspects", 1), figure("duplicates", 1200)]).toEqual(["0", "1", "1,200"]);
  expect([figure("accuracy", 0.671), figure("seconds", 30.7)]).toEqual(["67.1%", "30.7 s"]);
});

it("takes neither counts of trainings nor losses for shares, however small", () => {
  expect([figure("failed", 1), figure("pruned", 0), figure("finished", 39)]).toEqual(["1", "0", "39"]);
  expect([figure("loss", 0.058), figure("valid_loss", 1), figure("perplexity", 1)]).toEqual(["0.06", "1.00", "1.00"]);
  expect([figure("log_likelihood", -0.0019), figure("export_difference", 3.2e-6)]).toEqual(["-1.9e-3", "3.2e-6"]);
  expect([figure("train_seconds", 6.2), figure("labels", 0)]).toEqual(["6.2 s", "0"]);
});

it("names a figure in words, also one that it has none for", () => {
  expect([words("near_contradictions"), words("valid_span_f1")]).toEqual(["Near contradictions", "Valid span f1"]);
});
