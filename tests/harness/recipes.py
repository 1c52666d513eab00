"""Recipes and environments whose keys are known."""

from __future__ import annotations

from desktop_bake import Digest, Environment, ImageReference, LayerRecipe, Preflight, Recipe, compute_key

BASE = Digest("sha256:" + "ab" * 32)
ENVIRONMENT = Environment(env_id="e", base_image=ImageReference.parse("lunamidori5/pixelarch:emerald"))
RECIPE = Recipe(dockerfile=b"FROM base\n", install=b"echo install\n", setup=b"echo setup\n")
OFFICE = Environment(
    env_id="office",
    base_image=ImageReference.parse("registry.example.com/base:1"),
    headless_desktop_enabled=True,
    cache_desktop_build=True,
)
KEY = compute_key(ENVIRONMENT, RECIPE, BASE)
GOLDEN = "emerald-abababababababab-504a29a17b8c9fb7-5fa91e737fd0ebec-3b422c52c967ad32"

CERTS = LayerRecipe(name="certs", dockerfile=b"FROM base\nRUN layer\n", script=b"echo certs\n")
TOOLS = LayerRecipe(name="tools", dockerfile=b"FROM base\nRUN layer\n", script=b"echo tools\n")
BROWSER = LayerRecipe(
    name="browser", dockerfile=b"FROM base\nRUN layer\n", packages=("git", "chromium"), installer=b"echo packages\n"
)
PREFLIGHT = Preflight(dockerfile=b"FROM base\n", script=b"echo preflight\n")
