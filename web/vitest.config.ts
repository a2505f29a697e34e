import vue from "@vitejs/plugin-vue";
import { defineConfig } from "vitest/config";

export default defineConfig({
  plugins: [vue()],
  test: {
    environment: "happy-dom",
    include: ["{packages,apps}/*/test/**/*.spec.ts"],
    restoreMocks: true,
    maxWorkers: 2, // more only slow each other down on small machines
  },
});
