import { fileURLToPath } from "node:url";
import { defineConfig } from "vite";

// One classic script without imports: companies paste its address into pages we know nothing about.
export default defineConfig({
  build: {
    outDir: fileURLToPath(new URL("../../../src/kefu/static", import.meta.url)),
    emptyOutDir: false, // the widget and the console are built beside it
    target: "es2020",
    lib: { entry: "src/main.ts", formats: ["iife"], name: "KefuLoader", fileName: () => "loader.js" },
  },
});
