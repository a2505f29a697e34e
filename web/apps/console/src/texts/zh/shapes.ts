/** What is wrong with the shape of what stands in a field. */
export const shapes = {
  "shape.most": "最多为 {number}。",
  "shape.least": "最少为 {number}。",
  "shape.between": "应在 {number} 到 {most} 之间。",
  "shape.long": "最多 {number} 个字符。",
  "shape.needed": "此项必填。",
  "shape.number": "请填写数字。",
} as const;
