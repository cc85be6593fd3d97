"""The documentation of our own API teaches: every operation says in words and by example what it
does, every field what it is, and the examples are true to the schemas."""

import pytest
from jsonschema_rs import validator_for

from api.v1 import tags
from api.v1.schema import SchemaGenerator

METHODS = ("get", "post", "put", "patch", "delete")


@pytest.fixture(scope="module")
def document():
    return SchemaGenerator().get_schema(public=True)


def list_operations(document):
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            assert method in METHODS
            yield f"{method} {path}", operation


def resolve(document, node):
    while "$ref" in node:
        _, *steps = node["$ref"].split("/")
        node = document
        for step in steps:
            node = node[step]
    return node


def get_examples(content):
    return [content["example"]] if "example" in content else [
        example["value"] for example in content.get("examples", {}).values()
    ]  # fmt: skip


def test_every_operation_has_a_summary_a_description_and_one_group(document):
    summaries = []
    for name, operation in list_operations(document):
        assert operation["summary"], name
        assert operation["description"], name
        assert operation["description"] != operation["summary"], name
        assert len(operation["tags"]) == 1 and operation["tags"][0] in tags.DESCRIPTIONS, name
        summaries.append(operation["summary"])
    assert len(summaries) == len(set(summaries))
    assert [tag["name"] for tag in document["tags"]] == list(tags.DESCRIPTIONS)
    used = {operation["tags"][0] for _, operation in list_operations(document)}
    assert used == set(tags.DESCRIPTIONS)


def test_every_operation_has_examples_of_what_is_sent_and_answered(document):
    for name, operation in list_operations(document):
        for content in operation.get("requestBody", {}).get("content", {}).values():
            assert get_examples(content), name
        for status, response in operation["responses"].items():
            for media_type, content in resolve(document, response).get("content", {}).items():
                if "json" in media_type:
                    assert get_examples(content), (name, status)
        for parameter in operation.get("parameters", ()):
            assert parameter["description"], (name, parameter["name"])
            assert "example" in parameter or parameter["in"] != "path", (name, parameter["name"])


def test_every_field_has_a_description(document):
    for name, schema in document["components"]["schemas"].items():
        for field, found in schema.get("properties", {}).items():
            assert found.get("description"), f"{name}.{field}"


def test_every_example_is_true(document):
    """It fits its schema, and says nothing that the schema does not know."""
    components = {"components": {"schemas": document["components"]["schemas"]}}
    for name, operation in list_operations(document):
        contents = list(operation.get("requestBody", {}).get("content", {}).values())
        for response in operation["responses"].values():
            contents += resolve(document, response).get("content", {}).values()
        for content in contents:
            schema = resolve(document, content["schema"])
            for example in get_examples(content):
                for error in validator_for(content["schema"] | components).iter_errors(example):
                    raise AssertionError(f"{name}: {error.message}")
                if "properties" in schema:
                    assert example.keys() <= schema["properties"].keys(), name
