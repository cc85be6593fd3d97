"""What a cluster is given, as the schemas of Kubernetes see it: strictly, with no unknown word."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from backend.devserver import CHECKOUT

HERE = CHECKOUT / "deploy" / "k8s"
OTHERS = {"HTTPRoute", "ScaledObject"}  # of add-ons, which have schemas of their own
needs_kubectl = pytest.mark.skipif(shutil.which("kubectl") is None, reason="no kubectl here")


def check(manifest: dict[str, Any]) -> str:
    if manifest["kind"] not in OTHERS:
        kubernetes_validate.validate(manifest, "1.32", strict=True)
    return f"{manifest['kind']} {manifest['metadata']['name']}"


def whole() -> Iterator[dict[str, Any]]:
    """Everything but the patches, which are parts."""
    for name in yaml.safe_load((HERE / "kustomization.yaml").read_text())["resources"]:
        yield from yaml.safe_load_all((HERE / name).read_text())


def test_every_manifest_is_valid():
    found = [check(each) for each in whole()]
    assert len(found) == len(set(found)) > 15


def test_a_word_that_kubernetes_does_not_know_is_found():
    """Without `strict` it would be dropped without a word."""
    [beat] = [each for each in whole() if each["metadata"]["name"] == "beat"]
    beat["spec"]["template"]["spec"]["containers"][0]["livenesProbe"] = {}
    with pytest.raises(kubernetes_validate.ValidationError, match="livenesProbe"):
        check(beat)


@pytest.fixture
def built(tmp_path: Path) -> Any:
    """What `kubectl apply -k` would send, with and without the component."""

    def build(more: str = "") -> list[dict[str, Any]]:
        place = tmp_path / "k8s"
        shutil.copytree(HERE, place, dirs_exist_ok=True)
        shutil.copy(place / "secrets.env.example", place / "secrets.env")
        with (place / "kustomization.yaml").open("a") as file:
            file.write(more)
        done = subprocess.run(
            ["kubectl", "kustomize", place], check=True, capture_output=True, text=True
        )
        return list(yaml.safe_load_all(done.stdout))

    return build


@needs_kubectl
def test_what_is_built_of_them_is_valid_and_locked_down(built):
    pods = [each for each in built() if check(each) and each["kind"] in ("Deployment", "Job")]
    assert len(pods) == 7
    for each in pods:
        spec = each["spec"]["template"]["spec"]
        assert spec["securityContext"]["runAsNonRoot"], each["metadata"]["name"]
        for container in [*spec["containers"], *spec.get("initContainers", [])]:
            assert container["securityContext"]["readOnlyRootFilesystem"]
            assert container["resources"]["limits"]["memory"]


@needs_kubectl
def test_with_queue_length_each_deployment_has_one_scaler_and_leaves_the_number_to_it(built):
    found = built("\ncomponents: [queue-length]\n")
    scalers = [e for e in found if e["kind"] in ("HorizontalPodAutoscaler", "ScaledObject")]
    scaled = sorted(each["spec"]["scaleTargetRef"]["name"] for each in scalers)
    assert scaled == ["web", "worker-default", "worker-emails"]
    for each in found:
        if each["kind"] == "Deployment" and each["metadata"]["name"] in scaled:
            assert "replicas" not in each["spec"]
