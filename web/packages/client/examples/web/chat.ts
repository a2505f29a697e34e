import { createChat, type Chat, type ChatOptions, type Message } from "@kefu/client";

const NAMES = { contact: "You", assistant: "Assistant", member: "Support", system: "" };

/** A chat within `root`, drawn anew at each change. The caller starts it. */
export function mount(root: HTMLElement, options: ChatOptions): Chat {
  const chat = createChat(options);
  const log = root.appendChild(element("div", { role: "log" }));
  const form = root.appendChild(element("form", {}));
  const field = form.appendChild(element("input", { name: "words", "aria-label": "Your message" }));
  form.append(button("Send"));
  root.append(button("Talk to a person", () => chat.handOver()));

  form.onsubmit = (event) => {
    event.preventDefault();
    const words = field.value.trim();
    form.reset();
    if (words) void chat.send(words); // what cannot be sent now waits in `outgoing`, over reloads too
  };
  field.oninput = () => {
    chat.typing();
  };

  const draw = (): void => {
    log.replaceChildren(
      ...chat.messages.value.map((message) => row(chat, message)),
      ...chat.outgoing.value.map(({ key, text, state }) => {
        const waiting = element("p", {}, `${NAMES.contact}: ${text} (${state})`);
        if (state === "failed") waiting.append(button("Try again", () => chat.retry(key)));
        return waiting;
      }),
      ...[...chat.drafts.value.values()].map((text) => element("p", {}, `${NAMES.assistant}: ${text}`)),
      ...(chat.typist.value ? [element("p", {}, `${chat.typist.value.name ?? NAMES.member} is writing…`)] : []),
      ...(chat.live.value === "offline" ? [element("p", {}, "You are offline.")] : []),
    );
  };
  for (const part of [chat.messages, chat.outgoing, chat.drafts, chat.typist, chat.live]) part.subscribe(draw);
  return chat;
}

function row(chat: Chat, message: Message): HTMLElement {
  const { author, author_name: name, text, answer } = message;
  const shown = element("p", {}, `${name ?? NAMES[author]}: ${text}`);
  for (const { title, url } of answer?.citations ?? [])
    shown.append(url ? element("a", { href: url }, title) : element("cite", {}, title));
  const isLast = chat.messages.value.at(-1) === message;
  answer?.quick_replies.forEach((words, at) => {
    const pressed = answer.quick_reply_values[at];
    if (isLast) shown.append(button(words, () => chat.send(words, pressed === undefined ? {} : { pressed })));
  });
  if (author === "assistant") shown.append(button("Listen", () => listen(chat, message)));
  return shown;
}

async function listen(chat: Chat, message: Message): Promise<void> {
  const address = URL.createObjectURL(await chat.speech(message));
  const sound = new Audio(address);
  sound.onended = () => {
    URL.revokeObjectURL(address);
  };
  await sound.play();
}

function button(words: string, pressed?: () => Promise<unknown>): HTMLButtonElement {
  const made = element("button", pressed ? { type: "button" } : {}, words);
  if (pressed)
    made.onclick = () => {
      pressed().catch((error: unknown) => {
        made.title = String(error); // ApiError says why in words, NetworkError that there is no connection
      });
    };
  return made;
}

function element<Name extends keyof HTMLElementTagNameMap>(
  name: Name,
  attributes: Record<string, string>,
  text = "",
): HTMLElementTagNameMap[Name] {
  const made = document.createElement(name);
  for (const [each, value] of Object.entries(attributes)) made.setAttribute(each, value);
  made.textContent = text; // never as markup: what customers write is theirs
  return made;
}
