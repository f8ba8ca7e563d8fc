"""The project keeps the rules of dbt's project evaluator, and ours, computed from the manifest.

A rule that does not hold somewhere has an entry with a reason in exceptions.yml.
"""

from __future__ import annotations

import csv
import re
from collections import Counter
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml

from pipelines.candidates.products import PRODUCTS
from pipelines.settings import DBT_PROJECT, EXPECTATIONS

EXCEPTIONS: dict[str, dict[str, str]] = yaml.safe_load((Path(__file__).parent / "exceptions.yml").read_text())
LAYERS = ("staging", "intermediate", "marts", "products")
PREFIXES = {
    "staging": ("stg_",),
    "intermediate": ("int_",),
    "marts": ("fct_", "dim_", "bridge_"),
    "products": ("product_",),
}
DELIVERED = ("ehf", "ledger", "saft", "notices", "brreg")
MOST_PARENTS = 7
MOST_CHILDLESS_CHILDREN = 3
MOST_CHAINED_VIEWS = 3


class Project:
    """What the rules ask of a manifest."""

    def __init__(self, manifest: dict[str, Any]) -> None:
        self.nodes = manifest["nodes"]
        self.sources = manifest["sources"]
        self.exposures = manifest["exposures"]
        self.models = {key: node for key, node in self.nodes.items() if node["resource_type"] == "model"}
        self.unit_tests = list(manifest["unit_tests"].values())
        self.tests = [node for node in self.nodes.values() if node["resource_type"] == "test"]

    def layer(self, model: dict[str, Any]) -> str:
        return model["path"].split("/")[0]

    def in_layer(self, *layers: str) -> list[dict[str, Any]]:
        return [model for model in self.models.values() if self.layer(model) in layers]

    def parents(self, model: dict[str, Any], kind: str = "") -> list[str]:
        return [key for key in dict.fromkeys(model["depends_on"]["nodes"]) if key.startswith(kind)]

    def children(self, key: str) -> list[dict[str, Any]]:
        return [model for model in self.models.values() if key in model["depends_on"]["nodes"]]

    def key_tests(self, key: str) -> list[list[str]]:
        return [
            test["test_metadata"]["kwargs"]["columns"]
            for test in self.tests
            if test.get("attached_node") == key and test["test_metadata"]["name"] == "unique_combination"
        ]


@pytest.fixture(scope="module")
def project(manifest: dict[str, Any]) -> Project:
    return Project(manifest)


@pytest.fixture(scope="module")
def columns(warehouse: duckdb.DuckDBPyConnection) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    rows = warehouse.execute(
        "select table_name, column_name from information_schema.columns order by table_name, ordinal_position"
    ).fetchall()
    for table, column in rows:
        found.setdefault(table, []).append(column)
    return found


def broken(rule: str, names: list[str]) -> None:
    """Assert that exactly the excepted names break a rule."""
    assert sorted(set(names)) == sorted(EXCEPTIONS.get(rule, {})), rule


def sql_of(model: dict[str, Any]) -> str:
    """A model's text without comments."""
    return re.sub(r"--[^\n]*|{#.*?#}", "", model["raw_code"], flags=re.DOTALL)


def test_every_exception_has_a_reason() -> None:
    assert all(len(reason) > 20 for names in EXCEPTIONS.values() for reason in names.values())


def test_every_model_has_a_parent(project: Project) -> None:
    broken("root_models", [model["name"] for model in project.models.values() if not project.parents(model)])


def test_no_model_names_a_relation_by_hand(project: Project) -> None:
    wrong = []
    for model in project.models.values():
        text = sql_of(model)
        names = set(re.findall(r"(?:^|\n|,)\s*(\w+) as \(", text))
        used = set(re.findall(r"\b(?:from|join)\s+([\w.]+)", text))
        wrong += [f"{model['name']}: {name}" for name in used - names if not text.count(f"extract({name}")]
    broken("hard_coded_references", wrong)


def test_only_staging_reads_sources(project: Project) -> None:
    broken(
        "sources_outside_staging",
        [
            model["name"]
            for model in project.in_layer("intermediate", "marts", "products")
            if project.parents(model, "source.")
        ],
    )


def test_a_staging_model_reads_one_source(project: Project) -> None:
    broken(
        "multiple_sources", [m["name"] for m in project.in_layer("staging") if len(project.parents(m, "source.")) > 1]
    )


def test_a_source_feeds_one_model(project: Project) -> None:
    feeds = {source["name"]: len(project.children(key)) for key, source in project.sources.items()}
    broken("source_fan_out", [name for name, count in feeds.items() if count > 1])
    broken("unused_sources", [name for name, count in feeds.items() if count == 0])


def test_no_source_stands_twice(project: Project) -> None:
    broken(
        "duplicate_sources", [name for name, n in Counter(s["name"] for s in project.sources.values()).items() if n > 1]
    )


def test_a_layer_reads_its_left_neighbours_only(project: Project) -> None:
    allowed = {
        "staging": set(),
        "intermediate": {"staging", "intermediate", "seed"},
        "marts": {"staging", "intermediate", "seed"},
        "products": {"marts"},
    }
    wrong = []
    for model in project.models.values():
        for parent in project.parents(model, "model.") + project.parents(model, "seed."):
            layer = "seed" if parent.startswith("seed.") else project.layer(project.models[parent])
            if layer not in allowed[project.layer(model)]:
                wrong.append(f"{model['name']} reads {parent}")
    broken("layers", wrong)


def test_few_models_have_many_parents(project: Project) -> None:
    broken("many_parents", [m["name"] for m in project.models.values() if len(project.parents(m)) >= MOST_PARENTS])


def test_a_model_does_not_fan_out_into_dead_ends(project: Project) -> None:
    wrong = []
    for key, model in project.models.items():
        ends = [child for child in project.children(key) if not project.children(child["unique_id"])]
        # Marts feed products and readers: their children are meant to be ends.
        if (
            project.layer(model) != "marts"
            and len([e for e in ends if project.layer(e) != "marts"]) > MOST_CHILDLESS_CHILDREN
        ):
            wrong.append(model["name"])
    broken("model_fan_out", wrong)


def test_what_a_model_reads_is_not_read_again_behind_it(project: Project) -> None:
    """A model that one other model alone reads, beside what it is itself made of."""
    parents = {key: project.parents(model, "model.") for key, model in project.models.items()}
    wrong = [
        f"{project.models[child]['name']}: {project.models[above]['name']} beside {project.models[between]['name']}"
        for child, read in parents.items()
        for between in read
        if len(project.children(between)) == 1
        for above in read
        if above in parents[between]
    ]
    broken("rejoined", wrong)


def test_every_model_has_a_key_test(project: Project) -> None:
    broken("no_key", [model["name"] for key, model in project.models.items() if not project.key_tests(key)])


def test_delivered_sources_have_a_freshness(project: Project) -> None:
    broken(
        "no_freshness",
        [
            source["name"]
            for source in project.sources.values()
            if source["source_name"] in DELIVERED and not (source["freshness"] or {}).get("warn_after", {}).get("count")
        ],
    )


def test_everything_is_described(project: Project) -> None:
    broken("undescribed_models", [model["name"] for model in project.models.values() if not model["description"]])
    broken("undescribed_sources", [s["name"] for s in project.sources.values() if not s["description"]])
    broken("undescribed_source_groups", [s["name"] for s in project.sources.values() if not s["source_description"]])
    broken(
        "undescribed_seeds",
        [n["name"] for n in project.nodes.values() if n["resource_type"] == "seed" and not n["description"]],
    )


def test_every_column_of_marts_and_products_is_described_and_no_other(
    project: Project, columns: dict[str, list[str]]
) -> None:
    wrong = []
    for model in project.in_layer("marts", "products"):
        described = [name for name, column in model["columns"].items() if column["description"]]
        if described != columns[model["name"]]:
            wrong.append(f"{model['name']}: {sorted(set(described) ^ set(columns[model['name']])) or 'order'}")
    broken("undescribed_columns", wrong)


def test_descriptions_stand_in_the_file_that_readers_open(
    project: Project, finished: duckdb.DuckDBPyConnection
) -> None:
    found = dict(
        finished.execute(
            "select table_name || '.' || column_name, comment from duckdb_columns() where not internal"
        ).fetchall()
    )
    tables = dict(
        finished.execute(
            "select table_name, comment from duckdb_tables() where not internal"
            " union all select view_name, comment from duckdb_views() where not internal"
        ).fetchall()
    )
    models = project.in_layer("marts", "products")
    assert {model["name"]: tables[model["name"]] for model in models} == {
        model["name"]: model["description"] for model in models
    }
    described = {
        f"{model['name']}.{name}": column["description"]
        for model in models
        for name, column in model["columns"].items()
    }
    assert len(described) > 500
    assert {name: found[name] for name in described} == described


def test_names_tell_the_layer(project: Project) -> None:
    broken(
        "names",
        [m["name"] for m in project.models.values() if not m["name"].startswith(PREFIXES[project.layer(m)])],
    )


def test_a_staging_model_lies_in_its_sources_folder(project: Project) -> None:
    wrong = []
    for model in project.in_layer("staging"):
        folder = model["path"].split("/")[1]
        own = {project.sources[key]["source_name"] for key in project.parents(model, "source.")}
        if folder not in own or not model["name"].startswith(f"stg_{folder}__"):
            wrong.append(model["name"])
    broken("directories", wrong)


def test_yaml_lies_beside_what_it_describes(project: Project) -> None:
    wrong = [
        model["name"]
        for model in project.models.values()
        if Path((model["patch_path"] or "").split("://")[-1]).parent != Path(model["original_file_path"]).parent
    ]
    wrong += [
        source["name"]
        for source in project.sources.values()
        if Path(source["original_file_path"]).parent.name != source["source_name"]
    ]
    broken("yaml_places", wrong)


def test_tests_of_models_lie_in_the_folder_of_their_models(project: Project) -> None:
    folder = {key: str(Path(model["original_file_path"]).parent) for key, model in project.models.items()}
    attached = [(test["name"], test.get("attached_node"), test["original_file_path"]) for test in project.tests]
    attached += [
        (test["name"], test["depends_on"]["nodes"][0], test["original_file_path"]) for test in project.unit_tests
    ]
    broken(
        "test_places",
        [name for name, model, path in attached if model in folder and not path.startswith(f"{folder[model]}/")],
    )


def test_views_are_not_chained(project: Project) -> None:
    def depth(key: str) -> int:
        model = project.models.get(key)
        if model is None or model["config"]["materialized"] != "view":
            return 0
        return 1 + max((depth(parent) for parent in project.parents(model)), default=0)

    broken("chained_views", [m["name"] for key, m in project.models.items() if depth(key) > MOST_CHAINED_VIEWS])


def test_what_leaves_the_house_is_a_public_contracted_table(project: Project) -> None:
    products = project.in_layer("products")
    assert len(products) == 7
    wrong = [
        model["name"]
        for model in project.models.values()
        if (model["access"] == "public") != (model in products)
        or (model in products and not model["config"]["contract"]["enforced"])
        or (model in products and model["config"]["materialized"] not in ("table", "incremental"))
        or (model in products and not all(column["data_type"] for column in model["columns"].values()))
    ]
    broken("public", wrong)


# Staging of what one municipality delivers; landing's rows of the company register are shared, and treated so
# (pipelines/warehouse/slices.py).
DELIVERED_BY_ONE = re.compile(r"^stg_(ehf|ledger|saft|landing)__")
SLICE = re.compile(r"slice_of\(ref\('(\w+)'\)\)")


def test_a_sliced_model_reads_its_slices_and_what_all_share(project: Project) -> None:
    sliced = {model["name"] for model in project.models.values() if model["config"]["materialized"] == "incremental"}
    # A view of slices is made for the slices of one build: who reads it reads slices only.
    views = {
        model["name"]
        for model in project.in_layer("intermediate")
        if model["config"]["materialized"] == "view" and model["config"]["meta"].get("sliced_by")
    }
    by_name = {model["name"]: model for model in project.models.values()}

    def is_of_one(name: str) -> bool:
        return name in sliced | views or bool(DELIVERED_BY_ONE.match(name))

    def follows_from_slices(name: str) -> bool:
        parents = [key.rpartition(".")[2] for key in project.parents(by_name[name], "model.")]
        return is_of_one(name) or any(follows_from_slices(parent) for parent in parents)

    assert len(sliced) > 20
    wrong = []
    for name, model in by_name.items():
        text = sql_of(model)
        read_by_slice = set(SLICE.findall(text))
        others = set(re.findall(r"ref\('(\w+)'\)", SLICE.sub("", text)))
        if name not in sliced | views:
            wrong += [f"{name}: slice_of in a model that is not sliced"] if read_by_slice else []
            wrong += [f"{name}: {other} is there for sliced models only" for other in others & views]
            continue
        wrong += [f"{name}: {other} has no slices" for other in read_by_slice if not is_of_one(other)]
        wrong += [f"{name}: {other} is read whole" for other in others if is_of_one(other)]
        wrong += [other for other in others & by_name.keys() if not is_of_one(other) and follows_from_slices(other)]
        assert read_by_slice, f"{name} has no slices"
        if name in sliced:
            assert model["config"]["incremental_strategy"] == "append", name
            assert model["config"]["on_schema_change"] == "fail", name
        sliced_by = model["config"]["meta"].get("sliced_by", "municipality_no")
        assert all(sliced_by in key for key in project.key_tests(model["unique_id"])), name
    broken("shared_by_slices", wrong)


def test_every_product_is_exposed_and_nothing_private_is(project: Project) -> None:
    exposed = {key for exposure in project.exposures.values() for key in exposure["depends_on"]["nodes"]}
    # P3 is of marts themselves: a model of each would only repeat it.
    marts = {f"model.samandel.{table.source}" for table in PRODUCTS["consortium_mart"].tables}
    assert marts <= {model["unique_id"] for model in project.in_layer("marts")}
    assert exposed == {model["unique_id"] for model in project.in_layer("products")} | marts


def test_what_is_exposed_is_a_table(project: Project) -> None:
    parents = {key for exposure in project.exposures.values() for key in exposure["depends_on"]["nodes"]}
    broken(
        "exposed_views",
        [project.nodes[key]["name"] for key in parents if project.nodes[key]["config"]["materialized"] == "view"],
    )


def test_every_product_has_an_exposure_for_each_kind_of_recipient(project: Project) -> None:
    stated = {
        exposure["name"]: (
            exposure["config"]["meta"]["product"],
            exposure["config"]["meta"]["recipients"],
            exposure["config"]["meta"]["recipient_key"],
            {key.split(".")[-1] for key in exposure["depends_on"]["nodes"]},
        )
        for exposure in project.exposures.values()
    }
    assert stated == {
        product.id: (
            product.code,
            product.recipients,
            product.recipient_key,
            {table.source for table in product.tables if table.source},
        )
        for product in PRODUCTS.values()
    }
    assert all(e["owner"]["name"] and e["maturity"] and len(e["description"]) > 100 for e in project.exposures.values())


# Without a municipality: what is known of companies, categories, workshops, contracts, limits and figures themselves.
REFERENCE = re.compile(
    r"__(companies|suppliers|registered|named|supplier_names|supplier_candidates|item_texts|cpv_codes|known|approvers|claims|consents|contracts|recipients"
    r"|workshop_(accounts|departments|owners|capabilities)|workshops|ripple|periods|capacity)$"
    r"|^dim_(suppliers|categories|rules|kpis|contracts|workshops)$|^bridge_workshop_owners$|^fct_workshop_accounts$"
    r"|^product_workshop_"
)


def test_every_model_but_reference_carries_the_municipality(project: Project, columns: dict[str, list[str]]) -> None:
    wrong = [
        model["name"]
        for model in project.models.values()
        if not {"municipality_no", "recipient_municipality_no"} & set(columns[model["name"]])
        and not REFERENCE.search(model["name"])
    ]
    broken("no_municipality", wrong)


def test_every_key_but_reference_names_the_municipality(project: Project) -> None:
    wrong = [
        model["name"]
        for key, model in project.models.items()
        for key_columns in project.key_tests(key)
        if not any(column.endswith("municipality_no") for column in key_columns) and not REFERENCE.search(model["name"])
    ]
    broken("keys_without_municipality", [name for name in wrong if not name.startswith("stg_registers__")])


def test_marts_and_products_spell_their_columns_out(project: Project) -> None:
    wrong = []
    for model in project.in_layer("marts", "products"):
        _, _, final = sql_of(model).partition("final as (")
        body = final.replace("select * from final", "")
        if not final or re.search(r"select\s+\*|\w\.\*|,\s*\*", body):
            wrong.append(model["name"])
    broken("select_star", wrong)


def test_dated_tests_and_severities_are_not_softened(project: Project) -> None:
    assert project.tests
    broken(
        "softened_tests",
        [
            t["name"]
            for t in project.tests
            if t["config"]["severity"].lower() != "error" or t["config"]["error_if"] != "!= 0"
        ],
    )


def test_every_figure_says_which_lines_it_is_made_of() -> None:
    def rows(seed: str) -> list[dict[str, str]]:
        with (DBT_PROJECT / "seeds" / f"{seed}.csv").open(encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))

    parts = rows("kpi_parts")
    stated = {(part["kpi_key"], part["measure"]) for part in parts}
    missing = {(kpi["kpi_key"], kpi["measure"]) for kpi in rows("kpis")} - stated
    assert not missing, (
        "seeds/kpi_parts.csv says for each numerator and denominator which line set it sums (in_<line_set> of"
        " int_kpis__lines and macros/line_sets.sql), or quantity 'basis' or 'none' with an explanation: see"
        " ARCHITECTURE, 'A figure is its lines'"
    )
    for part in parts:
        assert part["part"] in ("numerator", "denominator"), part
        assert part["narrowed_by"] in ("payee", "reach", "none"), part
        assert part["quantity"] in ("net_amount_nok", "lines", "invoices", "basis", "none"), part
        assert (part["quantity"] == "none") == (not part["line_set"]), part
        assert bool(part["explanation"]) == (part["quantity"] in ("basis", "none")), part


def test_no_rule_id_stands_twice() -> None:
    ids = [
        found.group(1)
        for path in sorted((EXPECTATIONS / "rules").glob("*.md"))
        if (found := re.search(r"^id:\s*(\w+)", path.read_text(encoding="utf-8"), flags=re.MULTILINE))
    ]
    assert ids
    assert [name for name, count in Counter(ids).items() if count > 1] == []


def test_the_project_folder_holds_no_model_without_a_layer() -> None:
    places = {path.relative_to(DBT_PROJECT / "models").parts[0] for path in (DBT_PROJECT / "models").rglob("*.sql")}
    assert places == set(LAYERS)


# Every rule of dbt_project_evaluator 1.x, by its own name, and the test here that holds it.
EVALUATOR = {
    "fct_direct_join_to_source": test_only_staging_reads_sources,
    "fct_marts_or_intermediate_dependent_on_source": test_only_staging_reads_sources,
    "fct_duplicate_sources": test_no_source_stands_twice,
    "fct_hard_coded_references": test_no_model_names_a_relation_by_hand,
    "fct_model_fanout": test_a_model_does_not_fan_out_into_dead_ends,
    "fct_multiple_sources_joined": test_a_staging_model_reads_one_source,
    "fct_rejoining_of_upstream_concepts": test_what_a_model_reads_is_not_read_again_behind_it,
    "fct_root_models": test_every_model_has_a_parent,
    "fct_source_fanout": test_a_source_feeds_one_model,
    "fct_staging_dependent_on_marts_or_intermediate": test_a_layer_reads_its_left_neighbours_only,
    "fct_staging_dependent_on_staging": test_a_layer_reads_its_left_neighbours_only,
    "fct_too_many_joins": test_few_models_have_many_parents,
    "fct_unused_sources": test_a_source_feeds_one_model,
    "fct_missing_primary_key_tests": test_every_model_has_a_key_test,
    "fct_sources_without_freshness": test_delivered_sources_have_a_freshness,
    "fct_test_coverage": test_every_model_has_a_key_test,
    "fct_documentation_coverage": test_everything_is_described,
    "fct_undocumented_models": test_everything_is_described,
    "fct_undocumented_source_tables": test_everything_is_described,
    "fct_undocumented_sources": test_everything_is_described,
    "fct_model_naming_conventions": test_names_tell_the_layer,
    "fct_model_directories": test_a_staging_model_lies_in_its_sources_folder,
    "fct_source_directories": test_yaml_lies_beside_what_it_describes,
    "fct_test_directories": test_tests_of_models_lie_in_the_folder_of_their_models,
    "fct_chained_views_dependencies": test_views_are_not_chained,
    "fct_exposure_parents_materializations": test_what_is_exposed_is_a_table,
    "fct_public_models_without_contract": test_what_leaves_the_house_is_a_public_contracted_table,
    "fct_exposures_dependent_on_private_models": test_every_product_is_exposed_and_nothing_private_is,
    "fct_undocumented_public_models": test_every_column_of_marts_and_products_is_described_and_no_other,
}


def test_each_rule_of_the_project_evaluator_has_its_test() -> None:
    assert len(EVALUATOR) == 29
    assert all(test.__name__.startswith("test_") for test in EVALUATOR.values())
