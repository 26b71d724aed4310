"""Settings of an extension, and prompts that would do."""

from typing import Any

from s2v_runner.inputs.prompt.settings import ExtensionSettings

KEY = "sk-0123456789abcdef-secret"

ENGLISH = (
    "A woman in a yellow shirt sits in front of a plain grey wall and speaks to the camera. Medium close-up at eye "
    "level, the camera is still. Soft light from the left. Her lips move naturally with the speech, she looks into the "
    "lens and nods a little while her right hand moves with the words."
)
CHINESE = (
    "一位身穿黄色衬衫的女性坐在灰色墙壁前，面对镜头说话。中近景，平视角度，镜头保持固定。柔和的光线从左侧照来。"
    "她的嘴唇随语音自然开合，目光看向镜头，偶尔轻轻点头，右手随话语做出细微的手势。"
)


def settings_with(**changes: Any) -> ExtensionSettings:
    """English, without a picture, from a service that nobody has given an address of."""
    values: dict[str, Any] = {
        "method": "dashscope",
        "model": None,
        "target_lang": "en",
        "picture": False,
        "seed": 7,
        "max_tokens": 256,
        "retries": 2,
        "patience": 5.0,
        "url": None,
        "key": KEY,
        "device": "cpu",
    }
    return ExtensionSettings(**values | changes)
