/** Why a text cannot be spoken or a recording not heard, as the server says it, and in Chinese; as in reasons.ts. */
export const sounds: readonly (readonly [string, string])[] = [
  ["The text holds no words to read aloud.", "文本中没有可朗读的内容。"],
  ["The recording is empty.", "录音是空的。"],
  ["This is no sound that can be read. Readable: {}.", "无法识别为音频。支持：{}。"],
  ["The recording is longer than {} seconds.", "录音超过 {} 秒。"],
  ["The recording holds no sound.", "录音中没有声音。"],
  ["The file has no sound track.", "文件中没有音轨。"],
  ["The recording is damaged and cannot be read as {}.", "录音已损坏，无法按 {} 读取。"],
  ["The recording's header names a coding of sound that is not known.", "录音文件头中的音频编码无法识别。"],
  [
    "The recording's header names a rate or a number of channels that no recording of speech has.",
    "录音文件头中的采样率或声道数不是语音录音应有的。",
  ],
];
