/** Charts as ECharts options. */
import type { EChartsCoreOption } from "echarts/core";
import type { Colours } from "./colours";

/** Drawn on the canvas: the page's policy allows no style attributes, which HTML tooltips are made of. */
const tooltip = (theme: Colours, more: object): object => ({
  renderMode: "richText",
  confine: true,
  backgroundColor: theme.surface,
  borderColor: theme.line,
  textStyle: { color: theme.ink, fontSize: 12 },
  ...more,
});

const axisText = (theme: Colours): object => ({ color: theme.ink2, fontSize: 11 });

/** Small, to be one line high on a phone too: a second would lie over the axis. */
const legend = (theme: Colours): object => ({
  top: 0,
  left: 0,
  itemWidth: 12,
  itemHeight: 8,
  itemGap: 8,
  textStyle: axisText(theme),
});

export interface Series {
  name: string;
  values: readonly (number | null)[];
}

/** Values over names (times, stages): lines or bars. */
export function over(
  theme: Colours,
  names: readonly string[],
  series: readonly Series[],
  { kind = "line", show = String }: { kind?: "line" | "bar"; show?: (value: number) => string } = {},
): EChartsCoreOption {
  return {
    color: theme.series,
    grid: { left: 8, right: 16, top: series.length > 1 ? 34 : 16, bottom: 4, containLabel: true },
    ...(series.length > 1 ? { legend: legend(theme) } : {}),
    tooltip: tooltip(theme, {
      trigger: "axis",
      valueFormatter: (value: unknown) => (typeof value === "number" ? show(value) : "–"),
    }),
    xAxis: {
      type: "category",
      data: names,
      boundaryGap: kind === "bar",
      axisLabel: { ...axisText(theme), hideOverlap: true },
      axisLine: { lineStyle: { color: theme.line } },
      axisTick: { show: false },
    },
    yAxis: {
      type: "value",
      axisLabel: { ...axisText(theme), formatter: show },
      splitLine: { lineStyle: { color: theme.line } },
    },
    series: series.map(({ name, values }) => ({
      type: kind,
      name,
      data: values,
      ...(kind === "line"
        ? { showSymbol: values.length < 32, symbolSize: 5, lineStyle: { width: 2 }, connectNulls: false }
        : { barMaxWidth: 32, itemStyle: { borderRadius: [3, 3, 0, 0] } }),
    })),
  };
}

/** Bars from the left, the first name above. */
export function bars(
  theme: Colours,
  names: readonly string[],
  { name, values }: Series,
  show: (value: number) => string,
): EChartsCoreOption {
  return {
    color: theme.series,
    grid: { left: 8, right: 56, top: 8, bottom: 4, containLabel: true },
    tooltip: tooltip(theme, {
      trigger: "axis",
      axisPointer: { type: "shadow" },
      valueFormatter: (value: unknown) => (typeof value === "number" ? show(value) : "–"),
    }),
    xAxis: { type: "value", axisLabel: { show: false }, splitLine: { show: false } },
    yAxis: {
      type: "category",
      inverse: true,
      data: names,
      axisLabel: { ...axisText(theme), width: 190, overflow: "truncate" },
      axisLine: { show: false },
      axisTick: { show: false },
    },
    series: [
      {
        type: "bar",
        name,
        data: values,
        barMaxWidth: 24,
        itemStyle: { borderRadius: [0, 3, 3, 0] },
        label: {
          show: true,
          position: "right",
          color: theme.ink2,
          formatter: ({ value }: { value: unknown }) => (typeof value === "number" ? show(value) : "–"),
        },
      },
    ],
  };
}

/** Hours from left to right, days from above; cells as [hour, day, value]. */
export function heat(
  theme: Colours,
  days: readonly string[],
  cells: readonly [number, number, number | null][],
  show: (value: number) => string,
): EChartsCoreOption {
  const most = Math.max(0, ...cells.map(([, , value]) => value ?? 0));
  const grid = { axisLine: { show: false }, axisTick: { show: false }, splitArea: { show: false } };
  return {
    grid: { left: 4, right: 4, top: 8, bottom: 44, containLabel: true },
    tooltip: tooltip(theme, {
      formatter: ({ value: [hour, day, value] }: { value: [number, number, number | null] }) =>
        `${days[day] ?? ""} ${String(hour).padStart(2, "0")}:00  ${value === null ? "–" : show(value)}`,
    }),
    xAxis: {
      type: "category",
      data: Array.from({ length: 24 }, (_, hour) => String(hour)),
      axisLabel: axisText(theme),
      ...grid,
    },
    yAxis: { type: "category", data: days, inverse: true, axisLabel: axisText(theme), ...grid },
    visualMap: {
      min: 0,
      max: most || 1,
      calculable: false,
      orient: "horizontal",
      left: "center",
      bottom: 0,
      itemHeight: 120,
      itemWidth: 10,
      text: [most ? show(most) : "", "0"],
      textStyle: { color: theme.ink2, fontSize: 11 },
      inRange: { color: [theme.surface2, theme.series[0]] },
    },
    series: [
      {
        type: "heatmap",
        data: cells.map(([hour, day, value]) => [hour, day, value ?? "-"]),
        itemStyle: { borderColor: theme.surface, borderWidth: 2, borderRadius: 3 },
      },
    ],
  };
}
