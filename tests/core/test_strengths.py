"""Which adapters can be made weaker and stronger is told by their config alone."""

import json
from pathlib import Path
from typing import Any

import pytest

from studio.core import strengths
from studio.core.entry import PEFT_CONFIG
from studio.core.errors import StudioError
from tests.core.test_library import added


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({}, ""),
        ({"bias": None, "use_rslora": True, "target_parameters": ["experts.down_proj"]}, ""),
        ({"use_dora": True, "bias": "all"}, "is a DoRA"),
        ({"modules_to_save": ["lm_head"]}, "modules trained whole"),
        ({"trainable_token_indices": [1, 2]}, "modules trained whole"),
        ({"bias": "lora_only"}, "changes biases"),
    ],
)
def test_only_a_sum_of_products_can_be_weakened(tmp_path: Path, settings: dict[str, Any], said: str) -> None:
    entry = added(tmp_path, "letters")
    file = entry.folder / PEFT_CONFIG
    file.write_text(json.dumps(json.loads(file.read_text()) | settings))
    if not said:
        assert strengths.fault(entry) == ""
        strengths.require(entry)
        return
    assert strengths.fault(entry).startswith("The adapter letters ")
    with pytest.raises(StudioError, match=said) as told:
        strengths.require(entry)
    assert (told.value.reason, told.value.hint) == ("adapter", "Leave its strength at 1.")
