"""The transformer's tensor names: one table, a column for each way they have been published.

`official` is Wan-AI/Wan2.2-S2V-14B itself. FastVideo's Diffusers folder (hao-ai-lab/FastVideo, pull request 1683)
keeps those names too. `diffusers` and `diffusers_nested` are the names of Diffusers' S2V pull request
(huggingface/diffusers, 12258, `scripts/convert_wan_to_diffusers.py`): the first at commit ae8b2b596, the second at
64044ecb0, which nests the audio encoder's layers one deeper.
"""

from collections.abc import Iterable
from dataclasses import dataclass

_AUDIO = "casual_audio_encoder"
_CONVERTED_AUDIO = "condition_embedder.causal_audio_encoder"

# Ours → the official name and the converter's. `{}` is a block's number, which stands in ours for `{audio}` too:
# the number of an injection among the injections.
_TABLE = {
    "patch_embedding": ("patch_embedding", "patch_embedding"),
    "pose_embedding": ("cond_encoder", "condition_embedder.pose_embedder"),
    "kind_embedding": ("trainable_cond_mask", "trainable_condition_mask"),
    "text_embedding.expand": ("text_embedding.0", "condition_embedder.text_embedder.linear_1"),
    "text_embedding.mix": ("text_embedding.2", "condition_embedder.text_embedder.linear_2"),
    "time_embedding.expand": ("time_embedding.0", "condition_embedder.time_embedder.linear_1"),
    "time_embedding.mix": ("time_embedding.2", "condition_embedder.time_embedder.linear_2"),
    "time_embedding.project": ("time_projection.1", "condition_embedder.time_proj"),
    "motion_packer.parts.near": ("frame_packer.proj", "frame_packer.proj"),
    "motion_packer.parts.middle": ("frame_packer.proj_2x", "frame_packer.proj_2x"),
    "motion_packer.parts.far": ("frame_packer.proj_4x", "frame_packer.proj_4x"),
    "audio_encoder.layer_weights": (f"{_AUDIO}.weights", f"{_CONVERTED_AUDIO}.weights"),
    "audio_encoder.local_entry": (
        f"{_AUDIO}.encoder.conv1_local.conv",
        f"{_CONVERTED_AUDIO}.encoder.conv1_local.conv",
    ),
    "audio_encoder.overall_entry": (
        f"{_AUDIO}.encoder.conv1_global.conv",
        f"{_CONVERTED_AUDIO}.encoder.conv1_global.conv",
    ),
    "audio_encoder.halve_first": (
        f"{_AUDIO}.encoder.conv2.conv",
        f"{_CONVERTED_AUDIO}.encoder.conv2.conv",
    ),
    "audio_encoder.halve_second": (
        f"{_AUDIO}.encoder.conv3.conv",
        f"{_CONVERTED_AUDIO}.encoder.conv3.conv",
    ),
    "audio_encoder.overall_output": (f"{_AUDIO}.encoder.final_linear", f"{_CONVERTED_AUDIO}.encoder.final_linear"),
    "audio_encoder.padding_token": (f"{_AUDIO}.encoder.padding_tokens", f"{_CONVERTED_AUDIO}.encoder.padding_tokens"),
    "blocks.{}.modulation": ("blocks.{}.modulation", "blocks.{}.scale_shift_table"),
    "blocks.{}.self_attention.query": ("blocks.{}.self_attn.q", "blocks.{}.attn1.to_q"),
    "blocks.{}.self_attention.key": ("blocks.{}.self_attn.k", "blocks.{}.attn1.to_k"),
    "blocks.{}.self_attention.value": ("blocks.{}.self_attn.v", "blocks.{}.attn1.to_v"),
    "blocks.{}.self_attention.output": ("blocks.{}.self_attn.o", "blocks.{}.attn1.to_out.0"),
    "blocks.{}.self_attention.query_norm": ("blocks.{}.self_attn.norm_q", "blocks.{}.attn1.norm_q"),
    "blocks.{}.self_attention.key_norm": ("blocks.{}.self_attn.norm_k", "blocks.{}.attn1.norm_k"),
    "blocks.{}.text_norm": ("blocks.{}.norm3", "blocks.{}.norm2"),
    "blocks.{}.text_attention.query": ("blocks.{}.cross_attn.q", "blocks.{}.attn2.to_q"),
    "blocks.{}.text_attention.key": ("blocks.{}.cross_attn.k", "blocks.{}.attn2.to_k"),
    "blocks.{}.text_attention.value": ("blocks.{}.cross_attn.v", "blocks.{}.attn2.to_v"),
    "blocks.{}.text_attention.output": ("blocks.{}.cross_attn.o", "blocks.{}.attn2.to_out.0"),
    "blocks.{}.text_attention.query_norm": ("blocks.{}.cross_attn.norm_q", "blocks.{}.attn2.norm_q"),
    "blocks.{}.text_attention.key_norm": ("blocks.{}.cross_attn.norm_k", "blocks.{}.attn2.norm_k"),
    "blocks.{}.feed_forward.expand": ("blocks.{}.ffn.0", "blocks.{}.ffn.net.0.proj"),
    "blocks.{}.feed_forward.contract": ("blocks.{}.ffn.2", "blocks.{}.ffn.net.2"),
    "blocks.{}.audio_injection.modulation": (
        "audio_injector.injector_adain_layers.{audio}.linear",
        "audio_injector.injector_adain_layers.{audio}.linear",
    ),
    "blocks.{}.audio_injection.query": (
        "audio_injector.injector.{audio}.q",
        "audio_injector.injector.{audio}.to_q",
    ),
    "blocks.{}.audio_injection.key": (
        "audio_injector.injector.{audio}.k",
        "audio_injector.injector.{audio}.to_k",
    ),
    "blocks.{}.audio_injection.value": (
        "audio_injector.injector.{audio}.v",
        "audio_injector.injector.{audio}.to_v",
    ),
    "blocks.{}.audio_injection.output": (
        "audio_injector.injector.{audio}.o",
        "audio_injector.injector.{audio}.to_out.0",
    ),
    "blocks.{}.audio_injection.query_norm": (
        "audio_injector.injector.{audio}.norm_q",
        "audio_injector.injector.{audio}.norm_q",
    ),
    "blocks.{}.audio_injection.key_norm": (
        "audio_injector.injector.{audio}.norm_k",
        "audio_injector.injector.{audio}.norm_k",
    ),
    "head.modulation": ("head.modulation", "scale_shift_table"),
    "head.project": ("head.head", "proj_out"),
}

# Where the converter's later state differs from the earlier one.
_NESTED = {
    "audio_encoder.layer_weights": f"{_CONVERTED_AUDIO}.weighted_avg.weights",
    "audio_encoder.halve_first": f"{_CONVERTED_AUDIO}.encoder.conv2.conv.conv",
    "audio_encoder.halve_second": f"{_CONVERTED_AUDIO}.encoder.conv3.conv.conv",
}

_COLUMNS = {
    "official": {ours: official for ours, (official, _) in _TABLE.items()},
    "diffusers": {ours: converted for ours, (_, converted) in _TABLE.items()},
    "diffusers_nested": {ours: _NESTED.get(ours, converted) for ours, (_, converted) in _TABLE.items()},
}

DIALECTS = tuple(_COLUMNS)

_SUFFIXES = (".weight", ".bias")

# Tensors of ours whose names tell the dialects apart and that lie in different files of a sharded checkpoint, so
# that one with a file missing is still recognised and the missing file can be named.
_TELLING = (
    "audio_encoder.layer_weights",
    "audio_encoder.halve_first",
    "head.project",
    "kind_embedding",
    "time_embedding.expand",
)


@dataclass(frozen=True)
class TransformerNames:
    """How a checkpoint of one dialect names the tensors of ours."""

    dialect: str
    injection_layers: tuple[int, ...]

    def published(self, ours: str) -> str:
        """The checkpoint's name for one of our parameters, such as `blocks.3.feed_forward.expand.weight`."""
        suffix = next((suffix for suffix in _SUFFIXES if ours.endswith(suffix)), "")
        stem = ours.removesuffix(suffix)
        parts = stem.split(".")
        block = int(parts[1]) if parts[0] == "blocks" else None
        row = stem if block is None else ".".join(["blocks", "{}", *parts[2:]])
        template = _COLUMNS[self.dialect][row]
        if "{audio}" in template:
            assert block is not None
            return template.format(audio=self.injection_layers.index(block)) + suffix
        return template.format(block) + suffix

    def ours(self, published: Iterable[str]) -> dict[str, str]:
        """Our name of each of these names of the checkpoint that is one of ours."""
        known = set(published)
        blocks = 0
        while self.published(f"blocks.{blocks}.modulation") in known:
            blocks += 1
        numbers = {True: self.injection_layers, False: range(blocks)}
        found: dict[str, str] = {}
        for row, template in _COLUMNS[self.dialect].items():
            stems = [row.format(n) for n in numbers["{audio}" in template]] if "{}" in row else [row]
            for name in (f"{stem}{suffix}" for stem in stems for suffix in ("", *_SUFFIXES)):
                if self.published(name) in known:
                    found[self.published(name)] = name
        return found


def module_names(ours: Iterable[str], injection_layers: tuple[int, ...]) -> dict[str, str]:
    """Every name under which a layer or table of ours has been published → our name for it."""
    dialects = [TransformerNames(dialect, injection_layers) for dialect in DIALECTS]
    stems = {name.removesuffix(".weight").removesuffix(".bias") for name in ours}
    return {names.published(stem): stem for stem in stems for names in dialects}


def recognise_dialect(names: Iterable[str]) -> str | None:
    """The dialect that most of the telling names are in, or None when they are of no S2V transformer."""
    present = set(names)

    def score(dialect: str) -> int:
        telling = (_COLUMNS[dialect][ours] for ours in _TELLING)
        return sum(f"{name}{suffix}" in present for name in telling for suffix in ("", *_SUFFIXES))

    best = max(DIALECTS, key=score)
    return best if score(best) > 0 else None
