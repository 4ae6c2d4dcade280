"""Settings that name databases: what is read, what is missing or contradicts, and that no password gets into them."""

from typing import Any

import pytest

from pipeline.config.databases import bigquery_table, database_format
from pipeline.config.input_settings import InputSettings
from pipeline.config.load import load
from pipeline.errors import UserError

PATHS = [
    # path                                  format      table of BigQuery
    ("bigquery://p.d.t",                    "bigquery", ("p", "d", "t")),
    ("bigquery://my-shop.reviews.all$2024", "bigquery", ("my-shop", "reviews", "all$2024")),
    ("bigquery://example.com:shop.d.t",     "bigquery", ("example.com:shop", "d", "t")),
    ("bigquery://example.com:shop",         "bigquery", None),
    ("bigquery://shop",                     "bigquery", None),
    ("bigquery://shop..t",                  "bigquery", None),
    ("postgresql://h/d",                    "sql",      None),
    ("postgres://h/d",                      "sql",      None),
    ("PostgreSQL://h/d",                    "sql",      None),
    ("sqlite:///a.db",                      "sql",      None),
    ("gs://bucket/a.csv",                   None,       None),
    ("bigquery",                            None,       None),
    ("sqlite:a.db",                         None,       None),  # a file of this name
]  # fmt: skip


@pytest.mark.parametrize(("path", "format", "table"), PATHS)
def test_databases_are_known_by_their_scheme(path: str, format: str | None, table: tuple[str, ...] | None) -> None:
    assert database_format(path) == format
    if format == "bigquery":
        assert bigquery_table(path) == table


GOOD: list[dict[str, Any]] = [
    {"path": "bigquery://p.d.t"},
    {"path": "bigquery://p.d.t", "format": "bigquery"},
    {"path": ["bigquery://p.d.t", "bigquery://p.d.u"]},
    {"path": "bigquery://p", "query": "SELECT 1"},
    {"path": "postgresql://h/d", "table": "t"},
    {"path": "postgresql://me@h/d", "table": "t", "key_column": "id", "format": "sql"},
    {"path": "sqlite:///a.db", "query": "SELECT 1", "key_column": "id"},
    {"path": "sqlite:///a.db", "query": "SELECT 1", "unlabelled": ["sqlite:///a.db#t", "bigquery://p.d.t", "a.csv"]},
]


@pytest.mark.parametrize("settings", GOOD, ids=str)
def test_databases_are_taken_with_what_they_need(settings: dict[str, Any]) -> None:
    assert not InputSettings(**settings).has_row_order


MISTAKES = [
    # settings                                                                   what the error names
    ({"table": "t"},                                                             "table"),
    ({"path": "a.csv", "query": "SELECT 1"},                                     "query"),
    ({"path": "a.csv", "key_column": "id"},                                      "key_column"),
    ({"path": "a.csv", "format": "sql"},                                         "format"),
    ({"path": "a.csv", "format": "bigquery"},                                    "format"),
    ({"path": ["sqlite:///a.db", "a.csv"], "table": "t"},                        "files as well"),
    ({"path": "sqlite:///a.db", "table": "t", "format": "csv"},                  "format is csv"),
    ({"path": "sqlite:///a.db", "table": "t", "format": "bigquery"},             "format is bigquery"),
    ({"path": "sqlite:///a.db"},                                                 "table"),
    ({"path": "sqlite:///a.db", "table": "t", "query": "SELECT 1"},              "leave one of them out"),
    ({"path": "sqlite://a.db", "table": "t"},                                    "three slashes"),
    ({"path": "sqlite:///", "table": "t"},                                       "three slashes"),
    ({"path": ["sqlite:///a.db", "sqlite:///b.db"], "table": "t"},               "several databases"),
    ({"path": ["bigquery://p.d.t", "bigquery://p"], "query": "SELECT 1"},        "several databases"),
    ({"path": "bigquery://p"},                                                   "bigquery://project.dataset.table"),
    ({"path": "bigquery://p.d"},                                                 "bigquery://project.dataset.table"),
    ({"path": "bigquery://p.d.t", "query": "SELECT 1"},                          "leave one of them out"),
    ({"path": "bigquery://p", "table": "d.t"},                                   "bigquery://project.dataset.table"),
    ({"path": "bigquery://p.d.t", "key_column": "id"},                           "key_column"),
    ({"path": "sqlite:///a.db", "table": "t", "unlabelled": "sqlite:///a.db"},   "sqlite:///a.db#TABLE"),
    ({"path": "sqlite:///a.db", "table": "t", "unlabelled": "sqlite:///a.db#"},  "sqlite:///a.db#TABLE"),
    ({"unlabelled": "bigquery://p"},                                             "bigquery://project.dataset.table"),
    ({"unlabelled": ["a.csv", "sqlite://a.db#t"]},                               "unlabelled is sqlite://a.db; .*thr"),
]  # fmt: skip


@pytest.mark.parametrize(("settings", "said"), MISTAKES, ids=[str(case[0]) for case in MISTAKES])
def test_databases_without_what_they_need_are_refused(settings: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        InputSettings(**settings)


SECRET = "hunter2"
WITH_SECRET = [
    f"postgresql://me:{SECRET}@h/d",
    f"postgresql://:{SECRET}@h/d",
    f"postgresql://me:a/b{SECRET}@h:5432/d",
    f"postgresql://me:a@b{SECRET}@h/d",
    f"postgresql:///d?host=h&user=me&password={SECRET}",
    f"POSTGRES://h/d?Password={SECRET}",
    f"postgresql://h/d?sslpassword={SECRET}",
    f"mysql://me:{SECRET}@h/d",
    f"hdfs://me:{SECRET}@h/a.csv",
]


@pytest.mark.parametrize("path", WITH_SECRET)
@pytest.mark.parametrize("is_list", [False, True])
def test_databases_never_show_a_password(path: str, is_list: bool) -> None:
    given = f'["{path}"]' if is_list else path
    with pytest.raises(UserError) as error:
        load(None, {"input.path": given, "input.table": "t"})
    assert "input.path: the address has a password in it" in str(error.value)
    assert SECRET not in str(error.value)


@pytest.mark.parametrize("path", ["gs://bucket/a:b@c.csv", "a:b@c.csv", "postgresql://me@h:1/d"])
def test_databases_take_what_only_looks_like_a_password(path: str) -> None:
    settings = {"input.table": "t"} if path.startswith("postgresql") else {}
    assert load(None, {"input.path": path, **settings}).input.path == path
