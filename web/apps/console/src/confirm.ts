import { shallowRef } from "vue";

export interface Question {
  title: string;
  text: string;
  /** What stands below the text, one a line. */
  lines?: readonly string[];
  /** What the button that does it says. */
  action: string;
  /** The label of a reason that must be given, if there is one. */
  asked?: string;
  answer: (yes: boolean, reason?: string) => void;
}

export const question = shallowRef<Question | null>(null);

/** Asks before something that cannot be undone. */
export function confirm(title: string, text: string, action: string): Promise<boolean> {
  return new Promise((resolve) => {
    question.value = {
      title,
      text,
      action,
      answer: (yes) => {
        question.value = null;
        resolve(yes);
      },
    };
  });
}

/** Asks before something that needs a reason; null if it is better left. */
export function reasonFor(
  title: string,
  text: string,
  action: string,
  asked: string,
  lines: readonly string[] = [],
): Promise<string | null> {
  return new Promise((resolve) => {
    question.value = {
      title,
      text,
      lines,
      action,
      asked,
      answer: (yes, reason = "") => {
        question.value = null;
        resolve(yes ? reason.trim() : null);
      },
    };
  });
}
