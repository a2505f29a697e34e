import { fileURLToPath } from "node:url";
import vue from "@vitejs/plugin-vue";
import { defaultClientConditions, defineConfig, type Plugin } from "vite";

/** Vite's own way to load a part of a page also loads its styles, which the one part that there is has none of. */
const plainImports: Plugin = {
  name: "plain-imports",
  enforce: "pre",
  load: (id) => (id.endsWith("vite/preload-helper.js") ? "export const __vitePreload = (part) => part();" : null),
};

export default defineConfig(({ command }) => ({
  plugins: [plainImports, vue()],
  resolve: { conditions: ["kefu-source", ...defaultClientConditions] }, // @kefu/client as it stands here, unbuilt
  // The page is served at /widget/{channel} and /chat/{channel}, its files always from here.
  base: command === "build" ? "/static/widget/" : "/",
  define: { __VUE_OPTIONS_API__: false, __VUE_PROD_DEVTOOLS__: false },
  build: {
    outDir: fileURLToPath(new URL("../../../src/kefu/static/widget", import.meta.url)),
    emptyOutDir: true,
    target: "es2022",
    assetsInlineLimit: 0, // a strict Content-Security-Policy allows no data: scripts or styles
    modulePreload: { polyfill: false }, // the polyfill would be an inline script
    rolldownOptions: { checks: { bundlerTimings: false } }, // a slow machine is no news to who installs Kefu
  },
}));
