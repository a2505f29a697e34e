export { brandColors, contrast, parseColor, type BrandColors, type Rgb } from "./color";
export { createI18n, languageOf, localized, type I18n, type Language } from "./i18n";
export { Beeper } from "./sound";
export { parseText, type Block, type Inline } from "./text";
export { default as Avatar } from "./Avatar.vue";
export { default as Button } from "./Button.vue";
export { default as Icon } from "./Icon.vue";
export { default as RichText } from "./RichText.vue";
export { default as Spinner } from "./Spinner.vue";
