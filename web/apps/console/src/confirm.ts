import { shallowRef } from "vue";

export interface Question {
  title: string;
  text: string;
  /** What the button that does it says. */
  action: string;
  answer: (yes: boolean) => void;
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
