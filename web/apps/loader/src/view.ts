import type { LoaderOptions } from "./options";
import { PHONE_QUERY, STYLE } from "./style";
import { TEXTS, type Texts } from "./texts";

export const PHONE = PHONE_QUERY;

const BRAND = "#3a5bd9"; // as in the widget's tokens, until the company's own is known
const CHAT =
  "M12 3.5c-5 0-9 3.4-9 7.7 0 2.4 1.3 4.5 3.3 5.9-.1 1-.5 2.1-1.3 3 1.8-.1 3.4-.8 4.6-1.7.8.2 1.6.3 2.4.3 5 0 9-3.4 9-7.6s-4-7.6-9-7.6z";
const SHUT = "M6 9.5l6 6 6-6";

interface Actions {
  toggle: () => void;
  close: () => void;
  /** The customer is about to open the chat: the pointer is over the bubble. */
  intent: () => void;
}

/** The bubble and the panel on the company's page, in a shadow root. */
export class View {
  mounted = false;
  private readonly texts: Texts;
  private readonly host = document.createElement("div");
  private readonly box = el("div");
  private readonly bubble = el("button", "bubble");
  private readonly badge = el("span", "badge");
  private readonly panel = el("div", "panel");
  private readonly wait = el("div", "wait");
  private frame: HTMLIFrameElement | null = null;
  private unread = 0;
  /** The page's own setting while the panel locks its scrolling. */
  private pageOverflow: string | null = null;

  constructor(
    private readonly options: LoaderOptions,
    private readonly actions: Actions,
  ) {
    this.texts = TEXTS[options.language ?? "en"];
  }

  get hasFrame(): boolean {
    return this.frame !== null;
  }

  mount(color: string | null): void {
    const { position, launcher, theme, offset, zIndex } = this.options;
    this.box.classList.toggle("left", position === "left");
    this.box.classList.toggle("bare", !launcher);
    const dark = theme === "dark" || (theme === "auto" && matchMedia("(prefers-color-scheme: dark)").matches);
    this.box.classList.toggle("dark", dark);
    // Through the object model, which a page's style-src does not forbid; a style attribute would be.
    setVars(this.box, { "--x": `${offset.x}px`, "--y": `${offset.y}px`, "--z": String(zIndex) });
    this.paint(color ?? BRAND);
    this.buildBubble();
    this.buildPanel();
    if (launcher) this.box.append(this.bubble);
    this.box.append(this.panel);
    const root = this.host.attachShadow({ mode: "open" });
    addStyle(root, this.options.nonce);
    root.append(this.box);
    this.host.id = "kefu";
    this.host.lang = this.options.language === "zh" ? "zh-CN" : "en";
    document.body.append(this.host);
    this.mounted = true;
  }

  paint(color: string): void {
    if (/^#([0-9a-f]{3}|[0-9a-f]{6})$/i.test(color)) {
      setVars(this.box, { "--brand": color, "--on-brand": isLight(color) ? "#0c0e14" : "#ffffff" });
    }
  }

  addFrame(address: string): HTMLIFrameElement {
    this.frame = el("iframe");
    this.frame.title = this.texts.panel;
    this.frame.allow = "microphone; autoplay"; // for voice messages; the browser still asks the customer
    this.frame.src = address;
    this.panel.append(this.frame);
    return this.frame;
  }

  revealFrame(): void {
    if (this.frame) this.frame.dataset["shown"] = "true";
    this.wait.hidden = true;
  }

  showFailure(): void {
    const { base, channel } = this.options;
    const text = el("p");
    text.textContent = this.texts.failed;
    const link = el("a");
    link.href = `${base}/chat/${encodeURIComponent(channel)}`;
    link.target = "_blank";
    link.rel = "noopener";
    link.textContent = this.texts.newTab;
    this.wait.replaceChildren(text, link);
  }

  showPanel(focus: boolean): void {
    this.panel.dataset["shown"] = "true";
    this.bubble.setAttribute("aria-expanded", "true");
    this.nameBubble();
    this.fitPhone();
    window.visualViewport?.addEventListener("resize", this.fitPhone);
    window.visualViewport?.addEventListener("scroll", this.fitPhone);
    if (focus) this.frame?.focus();
  }

  hidePanel(): void {
    const hadFocus = this.host.shadowRoot?.activeElement === this.frame;
    this.panel.dataset["shown"] = "false";
    this.bubble.setAttribute("aria-expanded", "false");
    this.nameBubble();
    window.visualViewport?.removeEventListener("resize", this.fitPhone);
    window.visualViewport?.removeEventListener("scroll", this.fitPhone);
    this.lockPage(false);
    if (hadFocus) this.bubble.focus();
  }

  showUnread(count: number): void {
    this.unread = count;
    this.badge.hidden = count === 0;
    this.badge.textContent = count > 99 ? "99+" : String(count);
    this.nameBubble();
  }

  private buildBubble(): void {
    const label = el("span", "label");
    label.textContent = this.options.label;
    this.badge.hidden = true;
    this.badge.setAttribute("aria-hidden", "true"); // the button's own name says it
    this.bubble.type = "button";
    this.bubble.append(icon(CHAT, "chat", true), icon(SHUT, "shut", false), label, this.badge);
    this.bubble.setAttribute("aria-expanded", "false");
    this.nameBubble();
    this.bubble.addEventListener("click", this.actions.toggle);
    for (const event of ["pointerenter", "focus", "touchstart"]) {
      this.bubble.addEventListener(event, this.actions.intent, { once: true, passive: true });
    }
    this.box.addEventListener("keydown", ({ key }) => {
      if (key === "Escape") this.actions.close();
    });
  }

  private buildPanel(): void {
    this.panel.dataset["shown"] = "false";
    this.panel.setAttribute("role", "region");
    this.panel.setAttribute("aria-label", this.texts.panel);
    this.wait.append(el("div", "spin"));
    this.panel.append(this.wait);
  }

  private nameBubble(): void {
    const open = this.bubble.getAttribute("aria-expanded") === "true";
    const action = open ? this.texts.close : this.texts.open;
    const words = [this.options.label, action, this.unread ? this.texts.unread(this.unread) : ""];
    this.bubble.setAttribute("aria-label", words.filter(Boolean).join(", "));
  }

  /** On a phone the panel covers what the on-screen keyboard leaves free, and the page behind does not scroll. */
  private readonly fitPhone = (): void => {
    const phone = matchMedia(PHONE).matches && this.panel.dataset["shown"] === "true";
    this.lockPage(phone);
    if (phone && window.visualViewport) {
      const { height, offsetTop } = window.visualViewport;
      setVars(this.box, { "--phone-height": `${height}px`, "--phone-top": `${offsetTop}px` });
    }
  };

  private lockPage(lock: boolean): void {
    const { style } = document.documentElement;
    if (lock && this.pageOverflow === null) {
      this.pageOverflow = style.overflow;
      style.overflow = "hidden";
    } else if (!lock && this.pageOverflow !== null) {
      style.overflow = this.pageOverflow;
      this.pageOverflow = null;
    }
  }
}

function el<K extends keyof HTMLElementTagNameMap>(name: K, className = ""): HTMLElementTagNameMap[K] {
  const element = document.createElement(name);
  if (className) element.className = className;
  return element;
}

function icon(path: string, className: string, filled: boolean): SVGElement {
  const NS = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(NS, "svg");
  const shape = document.createElementNS(NS, "path");
  const attributes = { viewBox: "0 0 24 24", class: className, "aria-hidden": "true", focusable: "false" };
  for (const [name, value] of Object.entries(attributes)) svg.setAttribute(name, value);
  shape.setAttribute("d", path);
  const paint = filled
    ? { fill: "currentColor" }
    : {
        fill: "none",
        stroke: "currentColor",
        "stroke-width": "2.2",
        "stroke-linecap": "round",
        "stroke-linejoin": "round",
      };
  for (const [name, value] of Object.entries(paint)) shape.setAttribute(name, value);
  svg.append(shape);
  return svg;
}

function addStyle(root: ShadowRoot, nonce: string): void {
  try {
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(STYLE);
    root.adoptedStyleSheets = [sheet];
  } catch {
    const style = el("style"); // a browser before 2023: needs the page's nonce if it forbids inline styles
    style.nonce = nonce;
    style.textContent = STYLE;
    root.append(style);
  }
}

function setVars(element: HTMLElement, vars: Record<string, string>): void {
  for (const [name, value] of Object.entries(vars)) element.style.setProperty(name, value);
}

/** Whether dark text reads better on the colour than white (relative luminance of WCAG, gamma taken as 2.2). */
function isLight(color: string): boolean {
  const digits = color.slice(1).replace(/^(.)(.)(.)$/, "$1$1$2$2$3$3");
  const [r, g, b] = [0, 2, 4].map((i) => (parseInt(digits.slice(i, i + 2), 16) / 255) ** 2.2) as [
    number,
    number,
    number,
  ];
  return 0.2126 * r + 0.7152 * g + 0.0722 * b > 0.18; // 4.5:1 with white lies at 0.183
}
