"""What a message begins with that says nothing yet: hello, well, um, okay, 你好, 嗯; sources of patterns."""

# Sounds and greetings.
NOISE = (
    r"hi(?: there)?|hello(?: there)?|hey(?: there)?|howdy|good (?:morning|afternoon|evening)|dear|well|um+|uh+|er+m?"
    r"|hm+|mm+|oh+|ah+|aha|wow|gee+[sz]*e?|jee+[sz]+e?|ugh+|lol|haha|man|so|哦|噢|呃|额|那个?|你好|您好|哈喽|喂"
)
# Words that say no more than "I have heard you", where more follows.
CONSENT = (
    r"ok(?:ay|ey)?|k|alright|all right|right|sure|fine|great|cool|nice|finally|yes|yeah|yep|certainly|of course"
    r"|好的?|嗯+|行|可以"
)
# What parts them from what follows.
PAUSE = r"[\s,，、.。!！~～…:：-]+"
OPENERS = rf"(?:{NOISE}|{CONSENT})"
