import tseslint from "typescript-eslint";
import vue from "eslint-plugin-vue";

export default tseslint.config(
  { ignores: ["**/node_modules/", "**/dist/"] },
  ...tseslint.configs.strict,
  ...vue.configs["flat/recommended"],
  {
    files: ["**/*.{ts,tsx,vue}"],
    languageOptions: {
      parserOptions: { parser: tseslint.parser, projectService: true, extraFileExtensions: [".vue"] },
    },
    rules: {
      "@typescript-eslint/no-floating-promises": "error", // a lost promise is a lost message
      "@typescript-eslint/switch-exhaustiveness-check": ["error", { considerDefaultExhaustiveForUnions: true }], // a new event kind must be handled everywhere
      "@typescript-eslint/consistent-type-imports": "error",
    },
  },
  {
    rules: {
      eqeqeq: "error",
      "no-console": ["error", { allow: ["warn", "error"] }],
      "vue/no-v-html": "error", // what customers and members write is never markup
      "vue/multi-word-component-names": "off", // App and Composer say enough
      // prettier lays templates out
      "vue/max-attributes-per-line": "off",
      "vue/singleline-html-element-content-newline": "off",
      "vue/multiline-html-element-content-newline": "off",
      "vue/html-self-closing": "off",
      "vue/html-indent": "off",
      "vue/html-closing-bracket-newline": "off",
    },
  },
  {
    files: ["packages/client/examples/react-native/**"], // a phone has no page
    rules: { "no-restricted-globals": ["error", "window", "document", "localStorage", "location", "navigator"] },
  },
  { files: ["scripts/**"], rules: { "no-console": "off" } }, // they talk to a terminal
);
