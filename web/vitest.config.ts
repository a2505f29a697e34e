import { fileURLToPath } from "node:url";
import vue from "@vitejs/plugin-vue";
import { defaultClientConditions } from "vite";
import { defineConfig } from "vitest/config";

// The example of an app imports what only a phone has.
const phone = fileURLToPath(new URL("packages/client/test/fake-native.ts", import.meta.url));

export default defineConfig({
  plugins: [vue()],
  resolve: {
    conditions: ["kefu-source", ...defaultClientConditions],
    alias: {
      "react-native": phone,
      "@react-native-async-storage/async-storage": phone,
      "@react-native-community/netinfo": phone,
    },
  },
  test: {
    environment: "happy-dom",
    include: ["{packages,apps}/*/test/**/*.spec.ts"],
    restoreMocks: true,
    testTimeout: 60_000, // however slow the machine
    hookTimeout: 60_000,
    maxWorkers: 2, // more only slow each other down on small machines
  },
});
