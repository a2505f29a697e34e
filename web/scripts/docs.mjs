// Copies the viewer of the API's description beside the built pages: a closed network loads nothing from outside.
import { copyFile, mkdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const from = dirname(fileURLToPath(import.meta.resolve("swagger-ui-dist/package.json")));
const to = fileURLToPath(new URL("../../src/kefu/static/docs", import.meta.url));

await mkdir(to, { recursive: true });
for (const file of ["swagger-ui-bundle.js", "swagger-ui.css", "favicon-32x32.png", "LICENSE"]) {
  await copyFile(join(from, file), join(to, file));
}
