/** A phone, held either way: the panel takes the whole screen. */
export const PHONE_QUERY = "(max-width: 480px), (max-height: 480px)";

/** Inside a shadow root: the page's styles do not come in, ours do not go out. */
export const STYLE = `
:host { all: initial; }
* { box-sizing: border-box; }
.bubble, .panel { position: fixed; z-index: var(--z); }
.bubble {
  bottom: calc(var(--y) + env(safe-area-inset-bottom)); inset-inline-end: auto; right: var(--x);
  display: flex; align-items: center; gap: 10px; min-width: 56px; height: 56px; padding: 0 16px; border: 0;
  border-radius: 28px; background: var(--brand); color: var(--on-brand); cursor: pointer;
  font: 600 15px/1 system-ui, -apple-system, "Segoe UI", "PingFang SC", "Microsoft YaHei", "Noto Sans CJK SC", sans-serif;
  box-shadow: 0 1px 3px rgb(16 20 30 / 18%), 0 8px 24px rgb(16 20 30 / 22%);
  transition: transform .16s cubic-bezier(.2,.7,.3,1), box-shadow .16s;
}
.bubble:hover { transform: translateY(-2px); box-shadow: 0 2px 5px rgb(16 20 30 / 20%), 0 12px 30px rgb(16 20 30 / 28%); }
.bubble:active { transform: scale(.96); }
.bubble:focus-visible { outline: 3px solid var(--brand); outline-offset: 3px; }
.bubble svg { display: block; width: 24px; height: 24px; }
.bubble .shut, .bubble[aria-expanded=true] .chat, .bubble[aria-expanded=true] .label { display: none; }
.bubble[aria-expanded=true] .shut { display: block; }
.label:empty { display: none; }
.badge {
  position: absolute; top: -4px; right: -4px; min-width: 22px; height: 22px; padding: 0 6px; border-radius: 11px;
  border: 2px solid #fff; background: #d92d20; color: #fff; font: 700 12px/18px system-ui, sans-serif; text-align: center;
}
.badge[hidden] { display: none; }
.panel {
  right: var(--x); bottom: calc(var(--y) + 72px); width: 400px; height: min(700px, calc(100vh - var(--y) - 92px));
  max-width: calc(100vw - 2 * var(--x)); border-radius: 18px; overflow: hidden; background: #fff;
  box-shadow: 0 0 0 1px rgb(16 20 30 / 8%), 0 18px 60px rgb(16 20 30 / 26%);
  transform-origin: calc(100% - 28px) 100%; transition: transform .2s cubic-bezier(.2,.7,.3,1), opacity .16s, visibility .2s;
}
.panel[data-shown=false] { visibility: hidden; opacity: 0; transform: translateY(12px) scale(.98); pointer-events: none; }
.left .bubble, .left .panel { right: auto; left: var(--x); }
.left .panel { transform-origin: 28px 100%; }
.bare .panel { bottom: var(--y); height: min(700px, calc(100vh - 2 * var(--y))); }
.dark .panel { background: #191b21; }
iframe { position: absolute; inset: 0; width: 100%; height: 100%; border: 0; opacity: 0; transition: opacity .2s; }
iframe[data-shown=true] { opacity: 1; }
.wait { position: absolute; inset: 0; display: grid; place-content: center; justify-items: center; gap: 12px; padding: 32px;
  color: #545c6b; font: 15px/1.5 system-ui, -apple-system, "PingFang SC", "Microsoft YaHei", "Noto Sans CJK SC", sans-serif; text-align: center; }
.dark .wait { color: #a9b1bf; }
.wait a { color: inherit; font-weight: 600; }
.spin { width: 26px; height: 26px; border: 3px solid rgb(120 130 150 / 28%); border-top-color: var(--brand); border-radius: 50%; animation: spin .8s linear infinite; }
@keyframes spin { to { transform: rotate(1turn); } }
@media ${PHONE_QUERY} {
  .panel, .left .panel, .bare .panel { inset: 0; width: 100%; max-width: none; height: var(--phone-height, 100dvh); top: var(--phone-top, 0); border-radius: 0; box-shadow: none; }
  .bubble[aria-expanded=true] { display: none; }
}
@media (prefers-reduced-motion: reduce) { * { transition: none !important; animation-duration: 3s !important; } }
@media print { .bubble, .panel { display: none; } }
`;
