"""The documented list: arrays that may stay unchecked, and why."""

from fnmatch import fnmatchcase

EXEMPT = "the reference's own streaming, which the product does not imitate"
INPUT = "an input: what is computed from it is compared"
UNCHECKED = {
    "09_t2s_stream/*": EXEMPT,
    "12_decode_stream/*": EXEMPT,
    "17_e2e_stream/*": EXEMPT,
    "18_sola/*": EXEMPT,
    "01_spectrogram/wave_*": INPUT,
    "03_bert/*_phones": INPUT,
    "03_bert/*_word2ph": INPUT,
    "03_bert/*_feature": INPUT + ", and its text is not in the folder",
    "04_sampling/logits": INPUT,
    "04_sampling/prev": INPUT,
    "04_sampling/settings": INPUT,
    "04_sampling/q": INPUT,
    "05_t2s_prefill/teacher_tokens": INPUT,
    "06_t2s_greedy/*_args": INPUT,
    "07_t2s_batch/?_early_stop": INPUT,
    "08_t2s_sampled/*_q": INPUT,
    "11_decode/codes": INPUT,
    "11_decode/phones": INPUT,
    "13_v2pro/codes": INPUT,
    "13_v2pro/phones": INPUT,
    "13_v2pro/sv?": INPUT,
    "14_v1/codes": INPUT,
    "14_v1/phones": INPUT,
    "16_e2e/*_noise?": INPUT,
    "19_e2e_v2pro/*_noise?": INPUT,
    "19_e2e_v2pro/sv": INPUT + "; it is not the vector that case 15's rules make of ref32k",
    "full_hubert/wave": INPUT,
    "full_bert/input_ids": INPUT,
    "full_s1/phones": INPUT,
    "full_s1/prompt": INPUT,
    "full_s1/bert": INPUT,
    "full_s1/teacher_tokens": INPUT,
    "full_s2_*/codes": INPUT,
    "full_s2_*/phones": INPUT,
    "full_s2_*/spec": INPUT,
    "full_s2_*/ssl": INPUT,
    "full_s2_*/sv": INPUT,
}


def reason(array: str) -> str | None:
    """Why `case/array` may stay unchecked; None where nothing allows it."""
    return next((why for pattern, why in UNCHECKED.items() if fnmatchcase(array, pattern)), None)
