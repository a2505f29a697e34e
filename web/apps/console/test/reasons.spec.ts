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

  it("stays as it is in English, and where there are no words for it", () => {
    expect(reasonInWords("The file is empty.")).toBe("The file is empty.");
    language.value = "zh";
    expect(reasonInWords("Something new.")).toBe("Something new.");
  });
});
