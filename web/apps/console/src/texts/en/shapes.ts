/** What is wrong with the shape of what stands in a field. */
export const shapes = {
  "shape.most": "At most {number}.",
  "shape.least": "At least {number}.",
  "shape.between": "From {number} to {most}.",
  "shape.long": "At most {number} characters.",
  "shape.needed": "This is needed.",
  "shape.number": "This has to be a number.",
} as const;
