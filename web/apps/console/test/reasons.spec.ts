import { afterEach, beforeAll, describe, expect, it } from "vitest";
import { language, loadReasons, reasonInWords } from "../src/texts";

beforeAll(loadReasons);
afterEach(() => {
  language.value = "en";
});

describe("a reason of the server's", () => {
  it("is said in Chinese with what stands in it", () => {
    language.value = "zh";
    expect(reasonInWords("The PDF has 1,200 pages; the most is 1,000. Split it and add the parts.")).toBe(
      "PDF 有 1,200 页，最多 1,000 页。请拆分后分别添加。",
    );
    expect(reasonInWords("The server answered 404 (Not Found).")).toBe("服务器返回 404（Not Found）。");
  });

  it("is said in Chinese within another reason, too", () => {
    language.value = "zh";
    const why = "127.0.0.1 is an address within a private network, which may not be reached.";
    expect(reasonInWords(`A test was not taken. ${why}`)).toBe("测试消息未被接收。127.0.0.1 是内网地址，不允许访问。");
  });

  it("is said in Chinese where a training tells it", () => {
    language.value = "zh";
    expect(reasonInWords("wishes.csv: csv, text from 文本, label from 标签, 19 rows.")).toBe(
      "wishes.csv：csv，文本取自 文本，标签取自 标签，共 19 行。",
    );
    expect(
      reasonInWords(
        "Not told apart from linear: +0.0 points, 95% from -15.8 to +15.8; right alone on 1, wrong alone on 1, p = 0.75.",
      ),
    ).toBe(
      "与 linear 相比没有可靠的差别：相差 +0.0 个百分点，95% 区间 -15.8 至 +15.8；只有它答对的 1 行，只有它答错的 1 行，p = 0.75。",
    );
    const said =
      "Accuracy on old labels before 1.000, old labels after 0.900, new labels before 0.000, new labels after 1.000.";
    expect(reasonInWords(said)).toBe("准确率：原有标签从 1.000 变为 0.900，新标签从 0.000 变为 1.000。");
  });

  it("stays as it is in English, and where there are no words for it", () => {
    expect(reasonInWords("The file is empty.")).toBe("The file is empty.");
    language.value = "zh";
    expect(reasonInWords("Something new.")).toBe("Something new.");
  });
});
