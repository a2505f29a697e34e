// Fails when what a customer's browser downloads is over its budget (gzip, level 9, as a web server would send it).
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

const STATIC = join(dirname(fileURLToPath(import.meta.url)), "../../src/kefu/static");
const OF_CALLS = /assets\/(CallPanel|capture\.worklet)-/;
const CHARTS = "src/insights/echarts.ts";

// The widget's budget counts everything its page loads: the page itself, scripts and styles. What a call needs is loaded
// by who calls, and counted by itself.
const BUDGETS = [
  { name: "loader", limit: 10_000, files: () => ["loader.js"] },
  { name: "widget", limit: 60_000, files: () => walk("widget").filter((file) => !OF_CALLS.test(file)) },
  { name: "call", limit: 10_000, files: () => walk("widget").filter((file) => OF_CALLS.test(file)) },
  { name: "console", limit: 300_000, files: firstLoadOfConsole },
  { name: "charts", limit: 200_000, files: chartsOfConsole },
];

// The console splits by page: what a member waits for is the frame and the heaviest page. What a page draws with later,
// behind figures that are on the screen already, has its own budget.
function firstLoadOfConsole() {
  const manifest = JSON.parse(readFileSync(join(STATIC, "console/.vite/manifest.json"), "utf-8"));
  const entry = withImports(manifest, "index.html");
  const pages = Object.keys(manifest).filter((name) => manifest[name].isDynamicEntry && name !== CHARTS);
  const weigh = (names) => filesOf(manifest, names).reduce((sum, file) => sum + gzipped(file), 0);
  const heaviest = pages
    .map((page) => new Set([...entry, ...withImports(manifest, page)]))
    .reduce((most, names) => (weigh(names) > weigh(most) ? names : most), entry);
  return ["console/index.html", ...filesOf(manifest, heaviest)];
}

function chartsOfConsole() {
  const manifest = JSON.parse(readFileSync(join(STATIC, "console/.vite/manifest.json"), "utf-8"));
  return filesOf(manifest, [CHARTS]);
}

function withImports(manifest, name, found = new Set()) {
  if (found.has(name)) return found;
  found.add(name);
  for (const each of manifest[name].imports ?? []) withImports(manifest, each, found);
  return found;
}

function filesOf(manifest, names) {
  const files = [...names].flatMap((name) => [manifest[name].file, ...(manifest[name].css ?? [])]);
  return [...new Set(files)].map((file) => join("console", file));
}

function walk(folder) {
  return readdirSync(join(STATIC, folder), { withFileTypes: true }).flatMap((entry) =>
    entry.isDirectory() ? walk(join(folder, entry.name)) : [join(folder, entry.name)],
  );
}

const gzipped = (file) => gzipSync(readFileSync(join(STATIC, file)), { level: 9 }).length;

let over = false;
for (const { name, limit, files } of BUDGETS) {
  const size = files().reduce((sum, file) => sum + gzipped(file), 0);
  over ||= size > limit;
  console.log(
    `${name.padEnd(8)} ${String(size).padStart(6)} of ${limit} bytes gzipped${size > limit ? "  OVER BUDGET" : ""}`,
  );
}
process.exit(over ? 1 : 0);
