"""Every secret, in every place that can have one."""

from __future__ import annotations

import base64

from tests.harness.faults import IDENTITY, TOKEN
from tests.harness.registries import PASSWORD, USER

SECRET = "SECRET-of-the-build-77aa"

# --- every secret, in every place that may legally have one ----------------------------------------------------------

SIGNATURE = "SECRET-signature-of-a-redirect-0c1e"
OF_A_FILE, OF_THE_PROXY = "SECRET-of-an-env-file-e0b4", "SECRET-of-the-proxy-77de"
SECRETS = {
    "the build's": SECRET,
    "the registry's password": PASSWORD,
    "its token": TOKEN,
    "an identity token": IDENTITY,
    "a redirect's": SIGNATURE,
    "a task's": "SECRET-variable-of-a-task-5d21",
    "a file's": OF_A_FILE,
    "the proxy's": OF_THE_PROXY,
}
LOGIN = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
FORMS = {
    name: (text.encode(), base64.b64encode(text.encode()).rstrip(b"="), LOGIN.encode())
    for name, text in SECRETS.items()
}


def leaks(content: bytes) -> list[str]:
    """The names of the secrets that these bytes contain, plain or encoded."""
    return [name for name, forms in FORMS.items() if any(form in content for form in forms)]
