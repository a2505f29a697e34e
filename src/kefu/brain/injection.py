"""Signs of a text that instructs an assistant instead of asking it, in messages and in poisoned passages.

Kefu's approved and extracted answers obey nobody, so a sign never blocks a customer: it keeps the text away from a
generator, and keeps a poisoned passage's sentence out of every answer.
"""

import re
from functools import lru_cache

_FLAGS = re.IGNORECASE

# "Ignore all previous instructions", and the ways people vary it.
_OVERRIDE = (
    r"\b(?:ignore|disregard|forget|override|bypass|skip|neglect)\b.{0,30}\b(?:previous|prior|above|earlier|preceding|"
    r"foregoing|initial|original|system|all (?:of )?(?:your|the|my)|any|your|following)\b.{0,30}"
    r"\b(?:instruction|prompt|rule|direction|guideline|command|message|polic|restriction|programming|training|order)",
    r"\b(?:ignore|disregard|forget) (?:everything|anything|all)\b.{0,20}\b(?:above|before|previously|you|said|learned)",
    r"\bstop everything\b.{0,20}\bprint\b",
    # Not without a word for what was said before: help pages write 忘记密码时请按提示操作.
    r"(?:忽略|无视|忘记|忘掉|不要理会|不用理会|不要遵守|绕过|抛开|跳过)(?:掉)?.{0,6}(?:之前|以前|以上|上面|上述|所有|"
    r"前面|先前|此前|一切|"
    r"你的|系统|原有|任何|全部).{0,10}(?:指令|提示|设定|规则|限制|命令|要求|约束|设置)",
)
# Asking for the assistant's own instructions.
_EXTRACTION = (
    r"\b(?:system|initial|hidden|starting|original|developer|secret|internal) ?_?(?:prompt|instruction|message|"
    r"configuration|directive)s?\b",
    r"\b(?:repeat|reveal|print|show|output|display|tell me|translate|encode|write out|what (?:are|were|is))\b.{0,40}"
    r"\b(?:(?:your|those|these|all)(?: (?:own|initial|original|previous|exact|full|first|secret|current|given))*"
    r"|the (?:initial|original|previous|exact|full|first|above)) (?:instructions?|prompts?)\b",
    r"\binstructions? (?:that )?you (?:were|have been|are|got|received)\b",
    r"\b(?:repeat|print|output|encode|translate|rot13)\b.{0,25}\b(?:text|conversation|everything|words?|sentences?)\b"
    r".{0,20}\b(?:above|given|back to me|word for word|initially)\b",
    r"\brepeat the above\b",
    r"\bsystemprompt\b|\binitiali[sz]ation string\b|\bi was instructed to\b",
    r"(?:输出|显示|告诉我|打印|重复|泄露|公开|给我看|翻译).{0,10}(?:系统提示|提示词|系统指令|初始指令|初始设定|"
    r"系统设定|prompt)",
    r"(?:输出|打印|导出|列出).{0,8}(?:知识库|所有文档|全部文档)",
)
# Giving the assistant another nature.
_ROLE = (
    # Not "you are now logged in", nor "you are no longer eligible".
    r"\byou are (?:now )?going to (?:act|be|pretend|play)\b|\byou are about to (?:immerse|become|play)\b",
    r"\byou are (?:now|no longer) (?:in \w+ mode|bound|restricted|limited by|dan\b|\w*gpt|an? (?:\w+ ){0,3}"
    r"(?:ai|a\.i\.|assistant|(?:chat ?)?bot|model|machine|terminal|hacker|character|pirate|demon|evil))",
    r"\bfrom now on,? you\b|\byou(?:'re| are) not bound\b",
    r"\b(?:act|behave|respond|answer|pretend|speak|roleplay|simulate)\b.{0,20}\b(?:as (?:if you|an? (?:ai|unfiltered|"
    r"evil|virtual machine|linux terminal|jailbroken|dan\b))|like dan\b|to be dan\b)",
    r"\b(?:developer|maintenance|debug|god|admin(?:istrator)?|dan|jailbreak|sudo|unrestricted) ?mode\b",
    r"\b(?:administrator|admin|system|developer) override\b",
    r"\bdo anything now\b|\bjailbroken\b|\[DAN\]|\bas DAN\b|\bno (?:ethical|moral) (?:guidelines|restrictions|"
    r"limits)\b",
    r"\bstays? in character\b|\bwithout any (?:restrictions|filters?|censorship|warnings)\b",
    r"\b(?:openai|chatgpt|gpt-?[345]?)\b.{0,60}\b(?:polic|rules|restrict|filter|pretend|act|answer|respond|character|"
    r"mode)",
    r"(?:从现在开始|从现在起|现在).{0,4}你(?:不再是|就是|将扮演|扮演|是一个)",
    r"(?:进入|开启|切换到|启用).{0,4}(?:开发者|管理员|调试|维护|上帝|越狱|无限制)模式",
    r"(?:用|以)管理员(?:的)?(?:身份|权限)|(?:扮演|假装你是|假设你是).{0,12}(?:没有限制|不受限制|AI|人工智能|机器人)",
    r"只(?:回复|输出|回答|打印|说)[“\"「『]|其他(?:用户|客户|顾客|人)的(?:手机|电话|订单|地址|密码|账号|个人信息|"
    r"身份证)",
)
# Telling a reader what to do with its own answer. No help page speaks of "your response" to an AI.
_ANSWER_SHAPING = (
    # Singular: forms and tests have "your answers".
    r"\b(?:in|into|modify|augment|enhance|render|shift|write|express|provide|display|alter|adjust|begin|start|end|"
    r"finish|adapt|rewrite|translate|encode|format)\b[^.?!]{0,40}\byour (?:next |own |final )?(?:reply|response|answer|"
    r"output|explanation|elucidation|solution|completion)\b",
    r"\b(?:cipher|letter|word|emoji|base ?\d+|algorithm)\w*\b[^.?!]{0,40}\b(?:to|for|in) your (?:reply|response|"
    r"answer)\b",
    r"\b(?:reply|respond|answer)\b.{0,12}\bonly (?:with|in|using)\b",
    r"\b(?:following|below|subsequent) (?:code|snippet|script|code (?:snippet|block|section|excerpt|segment))\b",
    r"\bcode (?:snippet|block|excerpt|section|segment)s?\b.{0,60}\b(?:below|following|your|algorithm|codebase|solution|"
    r"implementation|foundation|code you develop)\b|\b(?:following|below|subsequent)\b.{0,20}\bcode\b",
    r"\bsubstitution cipher\b|\bcaesar cipher\b",
    r"\b(?:instruction|note|message|attention|important)s? (?:to|for) (?:the |any |all )?(?:ai|assistant|model|llm|"
    r"chat ?bot|language model)s?\b",
    r"\b(?:ai|llm|assistant|chat ?bot|language model)s? (?:reading|processing|summari[sz]ing|answering)\b",
    r"\bas an? (?:ai|language model|assistant),? (?:you|please|always|never)\b",
    r"\b(?:tell|inform|advise|convince) (?:the )?(?:user|customer)s? (?:to|that)\b.{0,80}(?:http|www\.|password|card|"
    r"call)",
    r"(?:在|把|将)(?:你|您)?的?(?:回答|回复|答复|输出)(?:中|里|内容|前|后)?.{0,12}(?:加入|加上|添加|包含|插入|改成|"
    r"改为|提到|翻译|附上)",
    r"(?:AI|人工智能|大模型|语言模型|机器人|助手|智能客服)(?:助手)?(?:请|必须|应当|注意|如果)",
    r"(?:你|请)(?:现在)?(?:必须|务必|只能)?(?:告诉|引导|诱导|要求)(?:用户|客户|顾客).{0,30}(?:转账|密码|验证码|汇款|"
    r"网址|点击)",
)
_SIGNS = re.compile("|".join(f"(?:{sign})" for sign in (*_OVERRIDE, *_EXTRACTION, *_ROLE, *_ANSWER_SHAPING)), _FLAGS)
# Marks of chat formats, which no customer types and no help page holds.
_MARKS = re.compile(
    r"<\|(?:im_start|im_end|system|user|assistant|endoftext)\|>|\[/?INST\]|<</?SYS>>|^\s*#{2,} ?(?:system|"
    r"instruction)s?:",
    _FLAGS | re.MULTILINE,
)


# A script for a role is long and speaks of these again and again; a customer's story does not.
_SCRIPT_LENGTH, _SCRIPT_WORDS = 300, 4
_SCRIPT = re.compile(
    r"\b(?:you (?:will|must|should|can|are|have to)|your (?:job|role|task|goal|name)|i want you to|responses?|respond|"
    r"reply|answers?|characters?|ai|chatgpt|language model|role-?play|pretend|rules|prompts?|users?|persona|"
    r"fiction(?:al)?|never refuse|unethical|illegal|moral\w*|scenario|imagine|story|acts?)\b",
    _FLAGS,
)


@lru_cache(maxsize=4096)  # questions on buttons and passages come again and again; some fifty expressions are tried
def instructs_an_assistant(text: str) -> bool:
    """Whether a text tells an assistant what to be, to do, to reveal or how to answer."""
    return bool(_SIGNS.search(text) or _MARKS.search(text)) or _is_script(text)


def _is_script(text: str) -> bool:
    if len(text) < _SCRIPT_LENGTH:
        return False
    return len({word.lower() for word in _SCRIPT.findall(text)}) >= _SCRIPT_WORDS
