import { fileURLToPath } from "node:url";
import vue from "@vitejs/plugin-vue";
import { defaultClientConditions, defineConfig } from "vite";

const SERVER = process.env["KEFU_SERVER"] ?? "http://127.0.0.1:8000";

export default defineConfig(({ command }) => ({
  plugins: [vue()],
  resolve: { conditions: ["kefu-source", ...defaultClientConditions] }, // @kefu/client as it stands here, unbuilt
  // Pages are served at /console/…, their files always from here.
  base: command === "build" ? "/static/console/" : "/console/",
  define: { __VUE_OPTIONS_API__: false, __VUE_PROD_DEVTOOLS__: false },
  server: {
    proxy: {
      "/desk": { target: SERVER, changeOrigin: false },
      "/v1": { target: SERVER, changeOrigin: false, ws: true },
    },
  },
  build: {
    outDir: fileURLToPath(new URL("../../../src/kefu/static/console", import.meta.url)),
    emptyOutDir: true,
    manifest: true, // the size check reads which files the first page needs
    target: "es2022",
    assetsInlineLimit: 0, // a strict Content-Security-Policy allows no data: scripts or styles
    modulePreload: { polyfill: false }, // the polyfill would be an inline script
    chunkSizeWarningLimit: 700, // kB; scripts/size.mjs holds the budgets, by what a member waits for
    rolldownOptions: { checks: { bundlerTimings: false } }, // a slow machine is no news to who installs Kefu
  },
}));
