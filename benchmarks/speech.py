"""Recognition and speech: Kefu's engines beside the bare models, on the same recordings in the same run.

    python benchmarks/speech.py --data DIR [--what recognise|roundtrip|all] [--out FILE]

`DIR/speech/manifest.csv` lists recordings of people with their words. Each is recognised by the bare faster-whisper
(language given or told, its own silence filter, the same beam) and by Kefu's engine, in turns, on one thread. Errors
are counted in words for English and characters for Mandarin, on text without case, punctuation and spaces, digits as
words. The round trip speaks thirty sentences of customer service with our voices and recognises them again.
"""

import argparse
import asyncio
import csv
import json
import re
import statistics
import time
import unicodedata
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from kefu.contracts.engine import Sound
from kefu.engines.tts.engine import EmbeddedSpeaker
from kefu.engines.whisper.engine import WhisperTranscriber
from kefu.knowledge.sound import decode, resampled
from kefu.knowledge.sound.spoken import spoken

SENTENCES = {
    "en": [
        "Your order has left our warehouse and should arrive on Thursday.",
        "You can return any item within thirty days of delivery.",
        "Standard delivery costs four dollars and takes three to five working days.",
        "Please tell me your order number so that I can look it up.",
        "The refund goes back to the card that you paid with.",
        "Our opening hours are from nine in the morning to six in the evening.",
        "I am passing you to a colleague who can help you further.",
        "Would you like to talk to a person?",
        "Your invoice was sent to your e-mail address yesterday.",
        "The warranty covers defects for two years from the date of purchase.",
        "You can change the delivery address until the parcel is packed.",
        "I am sorry that the lamp arrived damaged.",
        "We accept credit cards, bank transfer and payment on delivery.",
        "Your appointment is on Monday at half past ten.",
        "Is there anything else I can help you with today?",
    ],
    "zh": [
        "您的订单已经发货，预计星期四送达。",
        "收到商品后三十天内可以退货。",
        "标准配送费用是十二元，需要三到五个工作日。",
        "请告诉我您的订单号，我帮您查询。",
        "退款会原路退回到您的银行卡。",
        "我们的营业时间是早上九点到晚上六点。",
        "正在为您转接人工客服，请稍等。",
        "您需要和人工客服联系吗？",
        "发票昨天已经发送到您的邮箱。",
        "保修期是从购买之日起两年。",
        "包裹打包之前都可以修改收货地址。",
        "很抱歉，您收到的台灯有损坏。",
        "我们支持信用卡、银行转账和货到付款。",
        "您的预约时间是星期一上午十点半。",
        "请问还有什么可以帮您的吗？",
    ],
}
_WORDS = dict(zip("0123456789", "zero one two three four five six seven eight nine".split(), strict=True))


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--data", type=Path, required=True)
    options.add_argument("--what", choices=["recognise", "roundtrip", "all"], default="all")
    options.add_argument("--match", default="", help="only recordings whose name begins so, such as zh_word")
    options.add_argument("--out", type=Path, help="write the figures as JSON as well")
    given = options.parse_args()
    found: dict[str, object] = {}
    if given.what in {"recognise", "all"}:
        found["recognise"] = asyncio.run(recognise(given.data / "speech", given.match))
    if given.what in {"roundtrip", "all"}:
        found["roundtrip"] = asyncio.run(round_trip())
    if given.out:
        given.out.write_text(json.dumps(found, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


async def recognise(folder: Path, match: str) -> dict[str, object]:
    kefu = WhisperTranscriber("package:whisper-base", {"threads": 1})
    await kefu.load()
    bare = bare_whisper()
    errors: dict[tuple[str, str], list[tuple[int, int]]] = defaultdict(list)
    ratios, factors = [], []
    for row in csv.DictReader((folder / "manifest.csv").open(encoding="utf-8")):
        if not row["file"].startswith(match):
            continue
        sound = decode((folder / row["file"]).read_bytes())
        language, group = row["lang"], group_of(row["file"])
        began = time.perf_counter()
        plain = "".join(
            each.text
            for each in bare.transcribe(
                sound.samples,
                language=language,
                vad_filter=True,
                initial_prompt="以下是普通话的句子。" if language == "zh" else None,
            )[0]
        )
        bare_seconds = time.perf_counter() - began
        began = time.perf_counter()
        told = await kefu.transcribe(sound, language)
        ours_seconds = time.perf_counter() - began
        untold = await kefu.transcribe(sound)
        for name, text in (("bare", plain), ("kefu", told.text), ("kefu, language told by itself", untold.text)):
            errors[group, name].append(distance(row["transcript"], text, language))
        if sound.seconds >= 3:  # Whisper pads each to thirty seconds: the factor of a single word says nothing
            ratios.append(ours_seconds / bare_seconds)
            factors.append(ours_seconds / sound.seconds)
    rates = {}
    for (group, name), counted in errors.items():
        rate = sum(wrong for wrong, _ in counted) / sum(length for _, length in counted)
        rates[f"{group}: {name}"] = round(rate, 4)
        print(f"{group:24} {name:30} {len(counted):4} recordings  error rate {rate:.3f}")
    await kefu.close()
    if not factors:  # `--match` left single words only
        return {"rates": rates}
    factor, ratio = statistics.median(factors), statistics.median(ratios)
    print(f"real-time factor {factor:.2f}, time over the bare model {ratio:.2f}")
    return {"rates": rates, "real_time_factor": factor, "over_bare": ratio}


async def round_trip() -> dict[str, float]:
    speaker = EmbeddedSpeaker("package:voices", {"threads": 1, "cache": 0})
    kefu = WhisperTranscriber("package:whisper-base", {"threads": 1})
    await speaker.load()
    await kefu.load()
    rates = {}
    for language, sentences in SENTENCES.items():
        counted, factors, first = [], [], []
        for sentence in sentences:
            began = time.perf_counter()
            pieces: list[Sound] = []
            async for piece in speaker.speak(sentence, language):
                if not pieces:
                    first.append(time.perf_counter() - began)
                pieces.append(piece)
            seconds = time.perf_counter() - began
            made = Sound(np.concatenate([each.samples for each in pieces]), pieces[0].rate)
            factors.append(seconds / made.seconds)
            heard = await kefu.transcribe(resampled(made, 16_000), language)
            counted.append(distance(sentence, heard.text, language))
        rate = sum(wrong for wrong, _ in counted) / sum(length for _, length in counted)
        rates[language] = round(rate, 4)
        factor, wait = statistics.median(factors), statistics.median(first)
        print(
            f"round trip {language}: error rate {rate:.3f}, voice's real-time factor {factor:.3f}, first {wait:.2f} s"
        )
    await speaker.close()
    await kefu.close()
    return rates


def bare_whisper():
    """faster-whisper alone, on the same weights and thread."""
    from faster_whisper import WhisperModel

    from kefu.engines.joined import joined
    from kefu.engines.whisper.engine import PACKAGED

    folder = joined(PACKAGED["whisper-base"])
    return WhisperModel(str(folder), device="cpu", compute_type="int8", cpu_threads=1, local_files_only=True)


def group_of(name: str) -> str:
    """Sentences, words and digits apart."""
    language, kind = name.split("_")[:2]
    return f"{language} {({'digit': 'digits', 'word': 'words', 'cards': 'cards'}).get(kind, 'sentences')}"


def distance(meant: str, heard: str, language: str) -> tuple[int, int]:
    """Edits and length, in words or in characters."""
    wanted, got = units(meant, language), units(heard, language)
    return edits(wanted, got), max(len(wanted), 1)


def units(text: str, language: str) -> Sequence[str]:
    text = unicodedata.normalize("NFKC", text).lower()
    if language == "zh":
        text = re.sub(r"\d+", lambda found: spoken(found[0], "zh"), text)
        return [char for char in text if char.isalnum()]
    text = re.sub(r"\d", lambda found: f" {_WORDS[found[0]]} ", text.replace("'", "").replace("10", " ten "))
    return re.findall(r"[a-z]+", text)


def edits(first: Sequence[str], second: Sequence[str]) -> int:
    """Levenshtein's distance."""
    row = list(range(len(second) + 1))
    for at, left in enumerate(first, 1):
        above, row[0] = row[0], at
        for place, right in enumerate(second, 1):
            above, row[place] = row[place], min(row[place] + 1, row[place - 1] + 1, above + (left != right))
    return row[-1]


if __name__ == "__main__":
    main()
