"""Speech to text by Whisper, run in this process by CTranslate2."""
