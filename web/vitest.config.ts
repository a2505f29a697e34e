import vue from "@vitejs/plugin-vue";
import { defaultClientConditions } from "vite";
import { defineConfig } from "vitest/config";

export default defineConfig({
  plugins: [vue()],
  resolve: { conditions: ["kefu-source", ...defaultClientConditions] },
  test: {
    environment: "happy-dom",
    include: ["{packages,apps}/*/test/**/*.spec.ts"],
    restoreMocks: true,
    testTimeout: 60_000, // however slow the machine
    hookTimeout: 60_000,
    maxWorkers: 2, // more only slow each other down on small machines
  },
});
