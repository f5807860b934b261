"""Reads the two specification files of api.video, which are not part of this repository."""

import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml
from attrs import frozen

FOLDER = os.environ.get("APIVIDEO_CONTRACT")
VERBS = ("get", "post", "put", "patch", "delete")


def load(name: str) -> dict[str, Any]:
    """Read a file of the folder; without a folder, a specification of nothing."""
    if not FOLDER:
        return {"paths": {}}
    text = (Path(FOLDER) / name).read_text()
    return json.loads(text) if name.endswith(".json") else yaml.safe_load(text)


@frozen
class Specification:
    """One file, and what is behind its references."""

    root: Mapping[str, Any]

    def at(self, node: Any) -> Any:
        while isinstance(node, Mapping) and "$ref" in node:
            target: Any = self.root
            for part in node["$ref"].removeprefix("#/").split("/"):
                target = target[part]
            node = target
        return node

    def operations(self) -> Iterator["Described"]:
        for path, item in self.root["paths"].items():
            for verb in VERBS:
                if verb in item:
                    yield Described(
                        self, verb.upper(), path, item[verb], item.get("parameters", [])
                    )


@frozen
class Described:
    """One operation as the specification has it."""

    specification: Specification
    verb: str
    path: str
    node: Mapping[str, Any]
    shared: list[Any]

    @property
    def id(self) -> str:
        return f"{self.verb} {self.path}"

    def parameters(self, place: str) -> dict[str, Any]:
        found = [
            self.specification.at(one) for one in [*self.shared, *self.node.get("parameters", [])]
        ]
        return {one["name"]: self.schema(one["schema"]) for one in found if one["in"] == place}

    def schema(self, node: Any) -> Any:
        return self.specification.at(node)

    def query_names(self) -> set[str]:
        """Names as they are on the wire; of free pairs (``metadata``) the name without its key."""
        names = set()
        for name, schema in self.parameters("query").items():
            keys = schema.get("properties") or {}
            names |= {f"{name}[{key}]" for key in keys} or {name.removesuffix("[]")}
        return names

    def body(self) -> tuple[str, Any] | None:
        """Content type and schema of the request."""
        content = self.schema(self.node.get("requestBody", {})).get("content", {})
        return next(((kind, self.schema(entry["schema"])) for kind, entry in content.items()), None)

    def answer(self, status: int) -> Any:
        """Schema of the answer with this status; None when it has no body."""
        content = self.schema(self.node["responses"][str(status)]).get("content", {})
        return next((self.schema(entry["schema"]) for entry in content.values()), None)


CURRENT = Specification(load("openapi.yaml"))
LEGACY = Specification(load("legacy-openapi.json"))
DESCRIBED = [*CURRENT.operations(), *LEGACY.operations()]
