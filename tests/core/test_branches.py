"""The rows a model's modules are ticked in: folded by kind or by layer, three states, ranks handed down."""

from typing import Any

from hypothesis import given

from studio.core import modules, picking
from studio.core.branches import Branch, Branches, By
from studio.core.config import AdapterSpec
from studio.core.modules import Tree
from studio.core.picking import Picks
from tests.core.test_picking import mixed, module, of, seeing, ticked, tree


def opened(about: Tree, by: By = "kind", text: str = "", **settings: Any) -> Branches:
    """Returns the rows of a model with what some settings mean ticked."""
    spec = AdapterSpec(**settings)
    made = Branches(about, picking.ways(about, spec), spec)
    made.show(picking.picks(about, spec))
    made.arrange(by, text)
    return made


def row(made: Branches, *labels: str) -> Branch:
    """Returns a row by the labels that lead to it."""
    at = made.root
    for label in labels:
        (at,) = [child for child in at.children if child.label == label]
    return at


def labels(branch: Branch) -> list[str]:
    return [child.label for child in branch.children]


def test_layers_that_are_alike_are_one_row() -> None:
    made = opened(tree())
    assert labels(made.root) == ["embed_tokens", "layers 0-3", "norm", "lm_head"]
    assert labels(row(made, "layers 0-3")) == ["self_attn", "mlp", "input_layernorm"]
    query = row(made, "layers 0-3", "self_attn", "q_proj")
    assert (query.same, labels(query)) == (True, [f"layers.{at}" for at in range(4)])
    made.arrange("layer")
    assert labels(row(made, "layers 0-3")) == [f"layers.{at}" for at in range(4)]
    assert labels(row(made, "layers 0-3", "layers.2", "self_attn")) == ["q_proj", "k_proj", "v_proj", "o_proj"]
    # The first layer of these has no experts, and what sees has a language beside its eyes.
    assert labels(opened(mixed()).root)[1:3] == ["layers.0", "layers 1-3"]
    assert labels(opened(seeing()).root) == ["eyes", "language_model", "lm_head"]


def test_lists_within_lists_are_one_row_too() -> None:
    names = [f"model.layers.{at}.experts.{one}.up_proj" for at in range(3) for one in range(4)]
    about = Tree("Some", 3, tuple(module(name) for name in names), "model", "", (), False)
    up = row(opened(about), "layers 0-2", "experts 0-3", "up_proj")
    assert labels(up)[:2] == ["layers.0, experts.0", "layers.0, experts.1"]
    assert len(up.children) == 12
    by_layer = row(opened(about, "layer"), "layers 0-2", "layers.1", "experts 0-3")
    assert labels(by_layer) == [f"experts.{one}" for one in range(4)]


def test_a_row_is_ticked_in_full_in_parts_or_not() -> None:
    made = opened(tree(), target_modules=["q_proj"])
    layers, query = row(made, "layers 0-3"), row(made, "layers 0-3", "self_attn", "q_proj")
    assert (layers.state, query.state, row(made, "layers 0-3", "mlp").state) == (None, True, False)
    made.tick(query.children[1], on=False)
    assert (query.state, query.children[1].state) == (None, False)
    made.tick(layers, on=True)
    assert layers.state is True
    # A tick of the layers is for what is linear in them; norms are ticked by themselves.
    norms = row(made, "layers 0-3", "input_layernorm")
    assert norms.state is False
    made.tick(norms, on=True)
    assert set(made.picks().whole) == set(of(tree(), "input_layernorm"))
    made.tick(layers, on=False)
    assert (layers.state, made.picks()) == (False, Picks({}))
    made.tick(norms.children[0], on=True)
    assert layers.state is None
    assert not row(opened(tree(tied=True)), "embed_tokens").state


def test_what_cannot_be_ticked_stays_as_it_is() -> None:
    made = opened(mixed())
    shared = row(made, "layers 1-3", "mlp", "shared_expert")
    assert not shared.tickable
    made.tick(shared, on=True)
    assert shared.state is False
    assert not made.train(shared, "lora")
    experts = row(made, "layers 1-3", "mlp", "experts")
    made.tick(experts, on=True)
    assert (experts.state, len(made.picks().lora)) == (True, 6 + 16)


def test_a_rank_is_handed_down_and_a_childs_own_wins() -> None:
    made = opened(tree(), "layer")
    layers, third = row(made, "layers 0-3"), row(made, "layers 0-3", "layers.3")
    query = row(made, "layers 0-3", "layers.3", "self_attn", "q_proj")
    made.put(query, "rank", 4)
    made.put(third, "rank", 64)
    made.put(layers, "rank", 8)
    ranks = {name: rank for name, (rank, _) in made.picks().lora.items()}
    assert ranks[query.name] == 4
    assert {rank for name, rank in ranks.items() if ".3." in name and name != query.name} == {64}
    assert {rank for name, rank in ranks.items() if ".3." not in name} == {8}
    assert (layers.spans["rank"], made.value_of(query, "alpha")) == ((4, 64), 32)
    made.put(third, "rank", None)
    assert made.value_of(row(made, "layers 0-3", "layers.3", "mlp"), "rank") == 8
    made.put_base("alpha", 5)
    assert {alpha for _, alpha in made.picks().lora.values()} == {5}
    assert made.differs()
    made.reset()
    assert set(made.picks().lora.values()) == {(16, 5)}
    assert not made.differs()


def test_ranks_are_shown_where_most_have_them() -> None:
    made = opened(tree(), "layer", rank_pattern={"q_proj": 4, r".*\.2\..*": 64})
    assert row(made, "layers 0-3", "layers.2").own == {"rank": 64}
    assert row(made, "layers 0-3", "layers.2", "self_attn", "q_proj").own == {"rank": 4}
    assert row(made, "layers 0-3").own == {}
    made.arrange("kind")
    assert row(made, "layers 0-3", "self_attn", "q_proj").own == {"rank": 4}
    assert row(made, "layers 0-3", "mlp", "up_proj").children[2].own == {"rank": 64}


def test_a_search_narrows_what_a_tick_is_for() -> None:
    about = tree()
    made = opened(about, "kind", "Q_PROJ", target_modules=["up_proj"])
    assert labels(row(made, "layers 0-3", "self_attn")) == ["q_proj"]
    made.tick(row(made, "layers 0-3"), on=True)
    assert set(made.picks().lora) == set(of(about, "up_proj", "q_proj"))
    made.arrange("kind", "no such module")
    assert made.root.children == []
    assert set(made.picks().lora) == set(of(about, "up_proj", "q_proj"))


def test_presets_leave_what_is_whole_and_none_does_not() -> None:
    about = tree()
    made = opened(about, modules_to_save=["norm"])
    made.take(picking.preset(about, AdapterSpec(), "attention"))
    assert made.picks().whole == {"model.norm"}
    assert row(made, "layers 0-3", "mlp").state is False
    made.clear()
    assert made.picks() == Picks({})


def test_a_whole_layer_stays_one_until_something_of_it_is_taken_out() -> None:
    about = tree()
    made = opened(about, "layer", modules_to_save=["layers.1"])
    assert made.picks().whole == {"model.layers.1"}
    made.tick(row(made, "layers 0-3", "layers.1", "mlp"), on=False)
    # Norms can be trained whole by themselves; for linear layers there is LoRA.
    assert made.picks().whole == {"model.layers.1.input_layernorm"}


def test_the_rows_count_what_is_trained() -> None:
    settings: dict[str, Any] = {"target_parameters": ["experts"], "modules_to_save": ["lm_head"], "r": 3}
    counted = modules.count(mixed(), AdapterSpec(**settings))
    assert opened(mixed(), **settings).root.trained == counted.trainable


@given(ticked())
def test_rows_of_any_kind_keep_what_is_ticked(case: tuple[Tree, Picks, AdapterSpec]) -> None:
    about, wanted, before = case
    made = Branches(about, picking.ways(about, before), before)
    made.show(wanted)
    for by, text in (("layer", ""), ("kind", "proj"), ("layer", "1"), ("kind", "")):
        made.arrange("layer" if by == "layer" else "kind", text)
        assert made.picks() == wanted
